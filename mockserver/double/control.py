"""The control API under ``/_mock``: what the server is, and what it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from mockserver import __version__
from mockserver.wire import json_styles

if TYPE_CHECKING:
    from mockserver.services import Services


def register(app: flask.Flask, services: Services) -> None:
    """Adds the control API."""

    def health() -> flask.Response:
        return _json(health_report(services))

    def model_card(name: str) -> flask.Response:
        try:
            return _json(services.catalog.card(name))
        except KeyError:
            return _json({"error": f"There is no model {name!r} in the catalog."}, 404)

    app.add_url_rule("/_mock/health", "mock_health", health, methods=["GET"])
    app.add_url_rule("/_mock/models/<path:name>", "mock_model_card", model_card, methods=["GET"])


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


def _json(body: object, status: int = 200) -> flask.Response:
    return flask.Response(json_styles.two_spaces_newline(body), status, content_type="application/json")
