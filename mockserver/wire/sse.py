"""Server-sent events in the form of the audio endpoints: CRLF, no ``event:`` lines, ``[DONE]`` last."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mockserver.json_styles import streamed

CONTENT_TYPE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\r\n\r\n"
FAILED = "The server had an error while processing your request. Sorry about that!"


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


def failure(first: bytes, number: int, code: str, message: str) -> list[bytes]:
    """Return the event that ends a stream with an error, in the form of the chat and audio endpoints.

    ``first`` is the first event of the stream, ``number`` that of the events before the error.
    """
    error = {"message": message or FAILED, "type": code, "param": None, "code": code}
    end = b"\r\n" if first.endswith(b"\r\n") else b"\n"
    return [b"data: " + streamed({"error": error}) + 2 * end]


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
