"""``/_mock/health``, which is answered without Flask, because a start is over when it answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver import json_styles
from mockserver.control.headers import HEADERS
from mockserver.pipeline.responses import Reply
from mockserver.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.control.contexts import ServerContext
    from mockserver.control.operation import Call
    from mockserver.pipeline.request import Request


def show(context: ServerContext, _: Call | None = None) -> dict[str, Any]:
    """Return the version, the strictness and the engines."""
    return {
        "status": "ok",
        "version": __version__,
        "strictness": context.settings.strictness,
        "fixtures": len(context.fixtures.fixtures),
        "transcription": context.whisper.describe() if context.whisper else {"engine": "none"},
        "speech": {"engine": "pyttsx3"},
    }


def reply(context: ServerContext, _request: Request, _path: Mapping[str, str]) -> Reply:
    """Return the whole answer, as Flask sends it to callers that are not pages and have no query."""
    answer = Reply(json_styles.two_spaces_newline(show(context)), 200, "application/json")
    answer.headers.extend([*HEADERS.items(), ("Vary", "Origin")])
    return answer
