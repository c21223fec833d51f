"""What a fault does to a request: before it is handled, and to its reply.

A stream stays a stream: it is broken as it passes by. Waiting takes real time; it ends when the server
closes and when the client leaves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from mockserver.scripting.faults import events as broken_events
from mockserver.scripting.faults.audio import Noise
from mockserver.scripting.faults.definition import ERROR
from mockserver.transport.connection import lost
from mockserver.wire import sse

if TYPE_CHECKING:
    import threading

    from mockserver.pipeline.call import Call
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.responses import Reply
    from mockserver.pipeline.scripted.errors import ScriptedErrors
    from mockserver.scripting.faults.definition import Fault
    from mockserver.transport.connection import Connection

_DELAY = 1.0  # seconds where a fault says none
_PASSING = 1  # events that pass unharmed where a fault says none
_DRIP = 0.05  # seconds between two drops of a slow drip
_DRIPS = 10.0  # seconds that a slow drip lasts where a fault says nothing
_FAR_TOO_LONG = 1 << 31  # bytes that a stream announces, whose length is not known


def apply_before(fault: Fault, call: Call, errors: ScriptedErrors, closing: threading.Event) -> None:
    """Do what ``fault`` does before the request is handled.

    Raises ``ApiError`` for an error, and ``ConnectionResetError`` when nobody is to be answered any more.
    """
    if fault.kind == ERROR:
        raise errors.make(call, fault.error, message=fault.message, retry_after=fault.retry_after)
    connection = call.request.connection
    if fault.kind == "latency":
        call.slot.release()
        varied = 1 + fault.jitter * fault.chance("jitter").uniform(-1, 1)
        connection.wait(_seconds(fault) * varied, closing)
    elif fault.kind == "hang":
        call.slot.release()
        connection.wait(fault.seconds, closing)
        connection.shut()
        raise lost("fault: the request was left hanging")
    elif fault.kind == "connection_reset" and fault.at == "before" and connection.is_reachable:
        connection.reset()
        raise lost("fault: the connection was reset")


def apply_to_reply(fault: Fault, reply: Reply, request: Request, closing: threading.Event) -> Reply:
    """Break the reply as ``fault`` says. One that it cannot break, such as text by broken JSON, stays."""
    breaking = _BREAKING.get(fault.kind)
    if breaking is None:
        return reply
    answer = _Breakable.of(fault, reply, request, closing)
    if fault.kind.startswith("sse_") and not answer.is_events:
        return reply
    broken = breaking(answer)
    if broken is not None:
        close = getattr(reply.body, "close", None)
        if close is not None:
            reply.call_on_close(close)
        reply.body = broken
    return reply


@dataclass(frozen=True, slots=True)
class _Breakable:
    """A reply that is to be broken: its body in ``pieces``, and ``whole`` unless it is a stream.

    One that ``is_chunked`` is sent by the server in chunks, the last of which says that it is the last.
    """

    fault: Fault
    reply: Reply
    connection: Connection
    closing: threading.Event
    whole: bytes | None
    pieces: Iterator[bytes]
    is_chunked: bool

    @classmethod
    def of(cls, fault: Fault, reply: Reply, request: Request, closing: threading.Event) -> _Breakable:
        whole, pieces = (reply.body, [reply.body]) if isinstance(reply.body, bytes) else (None, reply.body)
        return cls(
            fault,
            reply,
            request.connection,
            closing,
            whole,
            iter(pieces),
            "Content-Length" not in reply.headers and request.protocol == "HTTP/1.1",
        )

    @property
    def is_events(self) -> bool:
        return self.reply.media_type == "text/event-stream"

    @property
    def events(self) -> Iterator[bytes]:
        return sse.events(self.pieces)

    @property
    def number(self) -> int:
        """Return the number of the event that is broken, from 0."""
        return _PASSING if self.fault.after is None else self.fault.after

    def wait(self, seconds: float) -> bool:
        return self.connection.wait(seconds, self.closing)


_Broken = bytes | Iterable[bytes] | None
_Breaking = Callable[[_Breakable], _Broken]


def _reset(answer: _Breakable) -> Iterator[bytes]:
    """Send a part of the body, or all of it, then reset the connection (``connection_reset``)."""
    sent = {"before": (), "middle": _part(answer), "after": answer.pieces}[answer.fault.at]
    yield from sent
    if answer.fault.at == "after" and answer.is_chunked:
        answer.connection.send(b"0\r\n\r\n")
    answer.connection.reset()
    raise lost("fault: the connection was reset")


def _truncate(answer: _Breakable) -> Iterator[bytes]:
    """Send a part of the body, then end the connection (``truncated_body``)."""
    yield from _part(answer)
    raise lost("fault: the body was truncated")


def _part(answer: _Breakable) -> Iterator[bytes]:
    """Yield the first ``after`` bytes of the body; else half of it, or the first piece of a stream."""
    left, whole = answer.fault.after, answer.whole
    if whole is not None:
        yield whole[: len(whole) // 2 if left is None else min(left, len(whole) - 1)]
    elif left is None:
        yield from islice(filter(None, answer.pieces), 1)
    else:
        for piece in answer.pieces:
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return


def _malform(answer: _Breakable) -> _Broken:
    """Take the last bracket off a body, or break the first of its events (``malformed_json``)."""
    if answer.is_events:
        return broken_events.changed(answer.events, 0, lambda event: [broken_events.garbled(event)])
    whole = answer.whole
    if whole is None or not answer.reply.is_json:
        return None
    broken = whole.rstrip()[:-1]
    answer.reply.headers["Content-Length"] = str(len(broken))
    return broken


def _misannounce(answer: _Breakable) -> Iterable[bytes]:
    """Announce a body as longer, or shorter, than it is (``wrong_content_length``)."""
    by = answer.fault.by
    announced = _FAR_TOO_LONG if by > 0 else -by  # of a stream
    if answer.whole is not None:
        announced = max(1, len(answer.whole) + by)
    answer.reply.headers["Content-Length"] = str(announced)
    return _misfitting(answer, answer.pieces, announced)


def _misfitting(answer: _Breakable, pieces: Iterable[bytes], announced: int) -> Iterator[bytes]:
    left = announced
    for piece in pieces:
        if piece[:left]:
            yield piece[:left]
        if piece[left:]:
            answer.connection.send(piece[left:])
        left = max(0, left - len(piece))
    if left:
        answer.wait(_seconds(answer.fault))
    raise lost("fault: the content length was wrong")


def _cut(answer: _Breakable) -> Iterator[bytes]:
    yield from islice(answer.events, answer.number)
    raise lost("fault: the events were cut off")


def _duplicate(answer: _Breakable) -> Iterator[bytes]:
    return broken_events.changed(answer.events, answer.number, lambda event: [event, event])


def _delay(answer: _Breakable) -> Iterator[bytes]:
    def late(event: bytes) -> Iterator[bytes]:
        answer.wait(_seconds(answer.fault))
        yield event

    return broken_events.changed(answer.events, answer.number, late)


def _garble(answer: _Breakable) -> Iterator[bytes]:
    return broken_events.changed(answer.events, answer.number, lambda event: [broken_events.garbled(event)])


def _leave_out_done(answer: _Breakable) -> Iterator[bytes]:
    return (event for event in answer.events if not broken_events.is_done(event))


def _corrupt(answer: _Breakable) -> _Broken:
    """Add noise to sound: as it is, in JSON, or in events (``corrupt_audio``)."""
    noise = Noise(answer.fault.chance("noise"))
    if answer.is_events:
        return map(noise.on_json, answer.events)
    if answer.reply.is_json:
        return map(noise.on_json, answer.pieces)
    return map(noise.on, answer.pieces) if answer.reply.media_type.startswith("audio/") else None


def _drip(answer: _Breakable) -> Iterator[bytes]:
    """Send the body at a few bytes a second, and after a time what is left of it at once (``slow_drip``)."""
    rate = answer.fault.bytes_per_second
    left = _DRIPS if answer.fault.seconds is None else answer.fault.seconds
    drop = max(1, round(rate * _DRIP))
    for piece in answer.pieces:
        sent = 0
        while sent < len(piece) and left > 0:
            dropped = piece[sent : sent + drop]
            pause = min(len(dropped) / rate, left)
            if not answer.wait(pause):
                raise lost("the server closes")
            yield dropped
            sent += len(dropped)
            left -= pause
        if sent < len(piece):
            yield piece[sent:]


def _seconds(fault: Fault) -> float:
    return _DELAY if fault.seconds is None else fault.seconds


_BREAKING: Mapping[str, _Breaking] = {
    "connection_reset": _reset,
    "truncated_body": _truncate,
    "malformed_json": _malform,
    "wrong_content_length": _misannounce,
    "corrupt_audio": _corrupt,
    "slow_drip": _drip,
    "sse_cut": _cut,
    "sse_duplicate": _duplicate,
    "sse_delay": _delay,
    "sse_garble": _garble,
    "sse_no_done": _leave_out_done,
}
