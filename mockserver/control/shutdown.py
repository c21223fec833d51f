"""``POST /_mock/shutdown``: ends the server, where that is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from mockserver.control import requests as control
from mockserver.transport.environ_keys import SHUTDOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.services import Services


def register(app: flask.Flask, services: Services) -> None:
    """Adds ``POST /_mock/shutdown``."""

    def shutdown() -> flask.Response:
        if not services.settings.allow_shutdown:
            message = "The server may not be ended by this. Start it with --allow-shutdown to let it."
            return control.answer({"error": message}, 403)
        end: Callable[[], None] | None = flask.request.environ.get(SHUTDOWN)
        if end is None:
            message = "The program that hosts this app does not let it end the server. End that program."
            return control.answer({"error": message}, 501)
        end()
        return control.answer({"status": "stopping"}, 202)

    app.add_url_rule("/_mock/shutdown", "mock_shutdown", shutdown, methods=["POST"])
