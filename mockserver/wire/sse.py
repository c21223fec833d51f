"""Server-sent events as the audio endpoints write them: CRLF, no ``event:`` lines, ``[DONE]`` last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mockserver.wire.json_styles import streamed

CONTENT_TYPE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\r\n\r\n"


def event(payload: dict[str, object]) -> bytes:
    """One event, ready to send."""
    return b"data: " + streamed(payload) + b"\r\n\r\n"


END = re.compile(rb"\r?\n\r?\n")  # of an event


def events(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The events of a stream, each whole and as soon as it is, however it was cut in pieces."""
    waiting = b""
    for piece in pieces:
        waiting += piece
        start = 0
        for end in END.finditer(waiting):
            yield waiting[start : end.end()]
            start = end.end()
        waiting = waiting[start:]
    if waiting:
        yield waiting
