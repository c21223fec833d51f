"""The kinds of faults: a registered function for each, with the parameters that it takes.

A kind acts before a request is handled (``before``), on the reply (``breaks``, and ``breaks_events`` for streams of
server-sent events), or on the job that the request creates (``fails_job``). A reply that a kind cannot break, such as
plain text by ``malformed_json``, is left unchanged. A stream stays a stream and is changed while it is sent.
The order is that of the guide, ``docs/faults.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from mockserver.scripting.faults import events
from mockserver.scripting.faults.fault import ERROR
from mockserver.scripting.faults.session_kinds import (
    FAILED_RESPONSE,
    REFUSED_UPGRADE,
    SESSION_KINDS,
    SessionKind,
)
from mockserver.transport.connection import lost
from mockserver.wire import sse

if TYPE_CHECKING:
    from mockserver.matching.facts import LiveRequest
    from mockserver.scripting.faults.fault import Fault
    from mockserver.scripting.faults.targets import Arrival, Breakable

_STREAM_ERROR = "sse_error"
_BODY = "body"  # of an answer; WebSockets have none
_DELAY = 1.0  # seconds, unless the fault sets them
_DRIP = 0.05  # seconds between two pieces of a slow drip
_DRIPS = 10.0  # seconds that a slow drip lasts, unless the fault sets them
_FAR_TOO_LONG = 1 << 31  # bytes; the content length announced for a stream, whose length is unknown

Broken = bytes | Iterable[bytes] | None  # the new body; ``None`` leaves it unchanged
Before = Callable[["Arrival"], None]
Breaks = Callable[["Breakable"], Broken]
FailsJob = Callable[["Fault"], str]


class Kind(Struct, frozen=True):
    """A kind of fault: the parameters that it ``takes``, and the functions that apply it.

    It hits only requests that ask for what it ``needs`` (see ``LiveRequest.asks_for``).
    """

    name: str
    takes: tuple[str, ...] = ()
    needs: str = ""
    before: Before | None = None
    breaks: Breaks | None = None
    fails_job: FailsJob | None = None
    of_session: SessionKind | None = None
    fails_turn: bool = False


KINDS: dict[str, Kind] = {}


def before(name: str, *takes: str) -> Callable[[Before], Before]:
    """Register what a kind does to a request before it is handled.

    The function raises ``ApiError`` to refuse it, and ``ConnectionResetError`` to send no answer.
    """

    def register(function: Before) -> Before:
        KINDS[name] = Kind(name, takes, before=function)
        return function

    return register


def breaks(name: str, *takes: str, needs: str = _BODY) -> Callable[[Breaks], Breaks]:
    """Register how a kind breaks a reply, in addition to its ``before`` function if it has one."""

    def register(function: Breaks) -> Breaks:
        known = KINDS.get(name, Kind(name))
        KINDS[name] = replace(known, takes=takes or known.takes, needs=needs, breaks=function)
        return function

    return register


def breaks_events(name: str, *takes: str) -> Callable[[Breaks], Breaks]:
    """Register how a kind breaks a stream of server-sent events. It hits only requests that ask for one."""

    def register(function: Breaks) -> Breaks:
        breaks(name, *takes, needs="events")(lambda reply: function(reply) if reply.is_events else None)
        return function

    return register


def fails_job(name: str, *takes: str) -> Callable[[FailsJob], FailsJob]:
    """Register how a kind fails the job that a request creates. The function returns the job's error message."""

    def register(function: FailsJob) -> FailsJob:
        KINDS[name] = Kind(name, takes, needs="job", fails_job=function)
        return function

    return register


def concerns(fault: Fault, request: LiveRequest) -> bool:
    """Return whether a fault can hit a request: its pattern matches, and the request asks for what it breaks.

    A turn of a session is hit only by faults that are for turns; the others hit the request that opens the session.
    """
    kind = KINDS[fault.kind]
    if "turn" in request.asks_for:
        return (
            (kind.fails_turn or fault.pattern.selects_turns)
            and _fits_turns(kind)
            and fault.pattern.matches(request)
        )
    return (not kind.needs or kind.needs in request.asks_for) and fault.pattern.matches(request)


def _fits_turns(kind: Kind) -> bool:
    """Return whether a kind can hit a turn."""
    return kind.fails_turn or kind.of_session is not None or not kind.needs


def job_failure(fault: Fault | None) -> str | None:
    """Return the message that a fault fails the request's job with, may be empty; ``None`` if it fails no job."""
    fails = KINDS[fault.kind].fails_job if fault else None
    return fails(fault) if fault and fails else None


def stream_error(fault: Fault | None) -> tuple[str, str] | None:
    """Return code and message of the error with which a fault ends a stream; ``None`` if it does not."""
    return (fault.code, fault.message or sse.FAILED) if fault and fault.kind == _STREAM_ERROR else None


@before(ERROR, "message", "retry_after")
def _refuse(arrival: Arrival) -> None:
    raise arrival.refusal()


@before("latency", "seconds", "jitter")
def _come_late(arrival: Arrival) -> None:
    fault = arrival.fault
    arrival.wait(_seconds(fault) * (1 + fault.jitter * fault.chance("jitter").uniform(-1, 1)))


@before("hang", "seconds")
def _hang(arrival: Arrival) -> None:
    arrival.wait(arrival.fault.seconds)
    arrival.connection.shut()
    raise lost("fault: the request was left hanging")


@before("connection_reset", "at", "after")
def _reset_at_once(arrival: Arrival) -> None:
    if arrival.fault.at == "before" and arrival.connection.is_reachable:
        arrival.connection.reset()
        raise lost("fault: the connection was reset")


@breaks("connection_reset", needs="")
def _reset(reply: Breakable) -> Iterator[bytes]:
    """Send none, a part or all of the body, then reset the connection."""
    sent = {"before": (), "middle": _part(reply), "after": reply.pieces}[reply.fault.at]
    yield from sent
    if reply.fault.at == "after" and reply.is_chunked:
        reply.connection.send(b"0\r\n\r\n")
    reply.connection.reset()
    raise lost("fault: the connection was reset")


@breaks("truncated_body", "after")
def _truncate(reply: Breakable) -> Iterator[bytes]:
    """Send a part of the body, then close the connection."""
    yield from _part(reply)
    raise lost("fault: the body was truncated")


@breaks("malformed_json")
def _malform(reply: Breakable) -> Broken:
    """Remove the last bracket of the body; in a stream of events, break the first one."""
    if reply.is_events:
        return events.changed(reply.events, 0, lambda event: [events.garbled(event)])
    if reply.whole is None or not reply.is_json:
        return None
    broken = reply.whole.rstrip()[:-1]
    reply.announce(len(broken))
    return broken


@breaks("wrong_content_length", "by", "seconds")
def _misannounce(reply: Breakable) -> Iterable[bytes]:
    """Announce a longer or shorter body than the one that is sent."""
    by = reply.fault.by
    announced = _FAR_TOO_LONG if by > 0 else -by  # for a stream
    if reply.whole is not None:
        announced = max(1, len(reply.whole) + by)
    reply.announce(announced)
    return _misfitting(reply, announced)


@breaks_events("sse_cut", "after")
def _cut(reply: Breakable) -> Iterator[bytes]:
    yield from islice(reply.events, reply.number)
    raise lost("fault: the events were cut off")


@breaks_events("sse_duplicate", "after")
def _duplicate(reply: Breakable) -> Iterator[bytes]:
    return events.changed(reply.events, reply.number, lambda event: [event, event])


@breaks_events("sse_delay", "after", "seconds")
def _delay(reply: Breakable) -> Iterator[bytes]:
    def late(event: bytes) -> Iterator[bytes]:
        reply.wait(_seconds(reply.fault))
        yield event

    return events.changed(reply.events, reply.number, late)


@breaks_events("sse_garble", "after")
def _garble(reply: Breakable) -> Iterator[bytes]:
    return events.changed(reply.events, reply.number, lambda event: [events.garbled(event)])


@breaks_events(_STREAM_ERROR, "after", "message", "code")
def _report_an_error(reply: Breakable) -> Iterator[bytes]:
    """Send ``after`` events, then those that report an error in the middle of a stream."""
    first = b""
    for number, event in enumerate(islice(reply.events, reply.number or 1)):
        first = first or event
        if number < reply.number:
            yield event
    close = getattr(reply.pieces, "close", None)
    if close is not None:  # so that the endpoint has noted the error when the client reads of it
        close()
    yield from reply.failure(first, reply.number, reply.fault.code, reply.fault.message or "")


@breaks_events("sse_no_done")
def _leave_out_done(reply: Breakable) -> Iterator[bytes]:
    return (event for event in reply.events if not events.is_done(event))


@breaks("corrupt_audio", needs="sound")
def _corrupt(reply: Breakable) -> Broken:
    """Change bytes of the audio: in an audio file, in JSON, or in events."""
    from mockserver.scripting.faults.audio import Noise

    noise = Noise(reply.fault.chance("noise"))
    if reply.is_events:
        return map(noise.on_json, reply.events)
    if reply.is_json:
        return map(noise.on_json, reply.pieces)
    return map(noise.on, reply.pieces) if reply.media_type.startswith("audio/") else None


@breaks("slow_drip", "bytes_per_second", "seconds")
def _drip(reply: Breakable) -> Iterator[bytes]:
    """Send the body at a few bytes per second, and the rest at once when the time is up."""
    rate = reply.fault.bytes_per_second
    left = _DRIPS if reply.fault.seconds is None else reply.fault.seconds
    drop = max(1, round(rate * _DRIP))
    for piece in reply.pieces:
        sent = 0
        while sent < len(piece) and left > 0:
            dropped = piece[sent : sent + drop]
            pause = min(len(dropped) / rate, left)
            if not reply.wait(pause):
                raise lost("the server closes")
            yield dropped
            sent += len(dropped)
            left -= pause
        if sent < len(piece):
            yield piece[sent:]


@fails_job("job_error", "message")
def _fail_job(fault: Fault) -> str:
    return fault.message or ""


def _part(reply: Breakable) -> Iterator[bytes]:
    """Yield the first ``after`` bytes of the body; without ``after`` half of it, or the first piece of a stream."""
    left, whole = reply.fault.after, reply.whole
    if whole is not None:
        yield whole[: len(whole) // 2 if left is None else min(left, len(whole) - 1)]
    elif left is None:
        yield from islice(filter(None, reply.pieces), 1)
    else:
        for piece in reply.pieces:
            yield piece[:left]
            left -= len(piece)
            if left <= 0:
                return


def _misfitting(reply: Breakable, announced: int) -> Iterator[bytes]:
    """Yield the announced number of bytes; send further bytes on the socket, or wait for missing ones."""
    left = announced
    for piece in reply.pieces:
        if piece[:left]:
            yield piece[:left]
        if piece[left:]:
            reply.connection.send(piece[left:])
        left = max(0, left - len(piece))
    if left:
        reply.wait(_seconds(reply.fault))
    raise lost("fault: the content length was wrong")


def _seconds(fault: Fault) -> float:
    return _DELAY if fault.seconds is None else fault.seconds


@before(REFUSED_UPGRADE, "status", "message")
def _refuse_upgrade(arrival: Arrival) -> None:
    """Refuse a WebSocket with a status of HTTP."""
    refusal = arrival.refusal()
    refusal.is_before_upgrade = True
    raise refusal


KINDS[REFUSED_UPGRADE] = replace(KINDS[REFUSED_UPGRADE], needs="upgrade")
for _kind in SESSION_KINDS.values():
    KINDS[_kind.name] = Kind(_kind.name, _kind.takes, needs="session", of_session=_kind)
KINDS[FAILED_RESPONSE] = Kind(FAILED_RESPONSE, ("code", "message"), needs="turn", fails_turn=True)

PARAMETERS = frozenset(name for kind in KINDS.values() for name in kind.takes)
