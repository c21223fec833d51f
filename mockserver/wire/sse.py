"""Server-sent events as the audio endpoints write them: CRLF, no ``event:`` lines, ``[DONE]`` last."""

from __future__ import annotations

from mockserver.wire.json_styles import compact

CONTENT_TYPE = "text/event-stream; charset=utf-8"
DONE = b"data: [DONE]\r\n\r\n"


def event(payload: dict[str, object]) -> bytes:
    """One event, ready to send."""
    return b"data: " + compact(payload) + b"\r\n\r\n"
