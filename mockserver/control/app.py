"""The control API under ``/_mock``: what the server is, what it knows, and how to steer it.

It is an app of its own beside that of the API, made when it is first called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import flask

from mockserver.control import (
    clock,
    faults,
    guard,
    journal,
    limits,
    metrics,
    models,
    openapi,
    requests,
    reset,
    settings,
    shutdown,
    snapshot,
    stubs,
)
from mockserver.control.requests import answer
from mockserver.pipeline.flask_adapter import refuse_otherwise
from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.services import Services

_FOLDER = str(Path(__file__).parent)  # Flask would ask for the working folder, which may be gone
_PARTS = (
    guard,  # before all that it guards
    requests,
    stubs,
    faults,
    journal,
    settings,
    limits,
    models,
    clock,
    reset,
    snapshot,
    shutdown,
    metrics,
    openapi,
)


def create_control_app(services: Services) -> flask.Flask:
    """The control API of a server."""
    app = flask.Flask("mockserver.control", static_folder=None, root_path=_FOLDER)
    app.extensions["mockserver"] = services
    refuse_otherwise(app, services.errors, services.ids, services.journal)
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
