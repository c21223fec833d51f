"""Changes single events of a stream of server-sent events."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mockserver.wire.sse import END

_DONE = b"[DONE]"


def changed(
    stream: Iterable[bytes], number: int, change: Callable[[bytes], Iterable[bytes]]
) -> Iterator[bytes]:
    """Yield the events, with the one of that ``number`` (from 0) replaced by what ``change`` returns for it."""
    for place, event in enumerate(stream):
        if place == number:
            yield from change(event)
        else:
            yield event


def garbled(event: bytes) -> bytes:
    """Return the event without the second half of its data, which makes it invalid JSON."""
    end = END.search(event)
    data, ending = (event[: end.start()], end.group()) if end else (event, b"")
    begin = data.find(b"data:") + len(b"data: ")
    return data[: begin + (len(data) - begin) // 2] + ending


def is_done(event: bytes) -> bool:
    """Return whether the event is ``[DONE]``, which ends a stream."""
    return event.strip() == b"data: " + _DONE
