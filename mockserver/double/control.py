"""The control API under ``/_mock``: what the server is, what it knows, and how to steer it.

It is an app of its own beside that of the API, made when it is first called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import flask

from mockserver.double import (
    control_calls,
    control_clock,
    control_faults,
    control_guard,
    control_journal,
    control_limits,
    control_metrics,
    control_models,
    control_openapi,
    control_reset,
    control_settings,
    control_shutdown,
    control_snapshot,
    control_stubs,
)
from mockserver.double.control_calls import answer
from mockserver.endpoints import root
from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.services import Services

_FOLDER = str(Path(__file__).parent)  # Flask would ask for the working folder, which may be gone
_PARTS = (
    control_guard,  # before all that it guards
    control_calls,
    control_stubs,
    control_faults,
    control_journal,
    control_settings,
    control_limits,
    control_models,
    control_clock,
    control_reset,
    control_snapshot,
    control_shutdown,
    control_metrics,
    control_openapi,
)


def create_control_app(services: Services) -> flask.Flask:
    """The control API of a server."""
    app = flask.Flask("mockserver.control", static_folder=None, root_path=_FOLDER)
    app.extensions["mockserver"] = services
    root.register(app, services)
    for part in _PARTS:
        part.register(app, services)

    def health() -> flask.Response:
        return answer(health_report(services))

    app.add_url_rule("/_mock/health", "mock_health", health, methods=["GET"])
    return app


def health_report(services: Services) -> dict[str, object]:
    """The state of the server and its engines."""
    return {
        "status": "ok",
        "version": __version__,
        "strictness": services.settings.strictness,
        "fixtures": len(services.fixtures.fixtures),
        "transcription": services.whisper.describe() if services.whisper else {"engine": "none"},
        "speech": {"engine": "pyttsx3"},
    }
