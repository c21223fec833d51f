"""Server-sent events as the audio endpoints write them: CRLF, no ``event:`` lines, ``[DONE]`` last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mockserver.json_styles import streamed

CONTENT_TYPE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\r\n\r\n"


def event(payload: dict[str, object]) -> bytes:
    """Return one event, ready to send."""
    return b"data: " + streamed(payload) + b"\r\n\r\n"


def scripted(item: object, *, of_audio: bool = False) -> bytes:
    """Write an event as a stub gives it: a payload, a text sent as it is, or ``{"event": …, "data": …}``.

    A payload that has a ``type`` is named by it in an ``event:`` line, but for events of the audio endpoints.
    """
    end = b"\r\n" if of_audio else b"\n"
    name, payload = "", item
    if isinstance(item, dict) and "data" in item and item.keys() <= {"event", "data"}:
        name, payload = str(item.get("event", "")), item["data"]
    elif isinstance(item, dict) and not of_audio and isinstance(item.get("type"), str):
        name = item["type"]
    lines = [f"event: {name}".encode()] if name else []
    data = payload.encode("utf-8", "replace") if isinstance(payload, str) else streamed(payload)
    lines += [b"data: " + line for line in data.splitlines() or [b""]]
    return end.join([*lines, b"", b""])


END = re.compile(rb"\r?\n\r?\n")  # of an event


def events(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the events of a stream, each whole and as soon as it is, however it was cut in pieces."""
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
