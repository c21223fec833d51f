"""Server-sent events that come damaged: one twice, one late, one that is no JSON, the last one missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

_END = re.compile(rb"\r?\n\r?\n")
_DONE = b"[DONE]"


def events(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The events of a stream, each whole and as soon as it is, however it was cut in pieces."""
    waiting = b""
    for piece in pieces:
        waiting += piece
        start = 0
        for end in _END.finditer(waiting):
            yield waiting[start : end.end()]
            start = end.end()
        waiting = waiting[start:]
    if waiting:
        yield waiting


def changed(
    stream: Iterable[bytes], number: int, change: Callable[[bytes], Iterable[bytes]]
) -> Iterator[bytes]:
    """The events, in place of the one of that ``number`` (from 0) what ``change`` makes of it."""
    for place, event in enumerate(stream):
        if place == number:
            yield from change(event)
        else:
            yield event


def garbled(event: bytes) -> bytes:
    """An event whose data is no JSON: the second half of it is missing."""
    end = _END.search(event)
    data, ending = (event[: end.start()], end.group()) if end else (event, b"")
    begin = data.find(b"data:") + len(b"data: ")
    return data[: begin + (len(data) - begin) // 2] + ending


def is_done(event: bytes) -> bool:
    """Whether an event is the one that ends a stream."""
    return event.strip() == b"data: " + _DONE
