"""``/_mock/health`` and ``/_mock/shutdown``: whether the server runs, and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask

from mockserver.control.operation import answer
from mockserver.transport.environ_keys import SHUTDOWN
from mockserver.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.control.operation import Call, ControlContext


def health(server: ControlContext, _: Call) -> dict[str, Any]:
    """Return the version, the strictness and the engines."""
    return {
        "status": "ok",
        "version": __version__,
        "strictness": server.settings.strictness,
        "fixtures": len(server.fixtures.fixtures),
        "transcription": server.whisper.describe() if server.whisper else {"engine": "none"},
        "speech": {"engine": "pyttsx3"},
    }


def shut_down(server: ControlContext, _: Call) -> dict[str, Any] | flask.Response:
    """End the server once the requests in flight are answered, where the settings and its host allow it."""
    if not server.settings.allow_shutdown:
        message = "The server may not be ended by this. Start it with --allow-shutdown to let it."
        return answer({"error": message}, 403)
    end: Callable[[], None] | None = flask.request.environ.get(SHUTDOWN)
    if end is None:
        message = "The program that hosts this app does not let it end the server. End that program."
        return answer({"error": message}, 501)
    end()
    return {"status": "stopping"}
