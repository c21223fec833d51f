"""Server-sent events in the form of the audio endpoints: CRLF, no ``event:`` lines, ``[DONE]`` last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mockserver.json_styles import streamed

CONTENT_TYPE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\r\n\r\n"


def event(payload: dict[str, object]) -> bytes:
    """Return the bytes of one event."""
    return b"data: " + streamed(payload) + b"\r\n\r\n"


def scripted(item: object) -> bytes:
    """Return the bytes of an event of a stub: a payload, a text that is sent unchanged, or ``{"event": …, "data": …}``.

    The ``type`` of a payload becomes its ``event:`` line.
    """
    name = item.get("type") if isinstance(item, dict) else ""
    return _scripted(item, name if isinstance(name, str) else "", b"\n")


def scripted_of_audio(item: object) -> bytes:
    """Return the bytes of an event of a stub in the form of the audio endpoints: ``type`` makes no ``event:`` line."""
    return _scripted(item, "", b"\r\n")


def _scripted(item: object, name: str, end: bytes) -> bytes:
    payload = item
    if isinstance(item, dict) and "data" in item and item.keys() <= {"event", "data"}:
        name, payload = str(item.get("event", "")), item["data"]
    lines = [f"event: {name}".encode()] if name else []
    data = payload.encode("utf-8", "replace") if isinstance(payload, str) else streamed(payload)
    lines += [b"data: " + line for line in data.splitlines() or [b""]]
    return end.join([*lines, b"", b""])


END = re.compile(rb"\r?\n\r?\n")  # the end of an event


def events(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the events of a stream, each as soon as it is complete, from pieces that may divide events."""
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
