"""Server-sent events that come damaged: one twice, one late, one that is no JSON, the last one missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mockserver.wire.sse import END

_DONE = b"[DONE]"


def changed(
    stream: Iterable[bytes], number: int, change: Callable[[bytes], Iterable[bytes]]
) -> Iterator[bytes]:
    """Return the events, in place of the one of that ``number`` (from 0) what ``change`` makes of it."""
    for place, event in enumerate(stream):
        if place == number:
            yield from change(event)
        else:
            yield event


def garbled(event: bytes) -> bytes:
    """Return an event whose data is no JSON: the second half of it is missing."""
    end = END.search(event)
    data, ending = (event[: end.start()], end.group()) if end else (event, b"")
    begin = data.find(b"data:") + len(b"data: ")
    return data[: begin + (len(data) - begin) // 2] + ending


def is_done(event: bytes) -> bool:
    """Return whether an event is the one that ends a stream."""
    return event.strip() == b"data: " + _DONE
