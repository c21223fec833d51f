"""Creates the Flask app of the control API under ``/_mock``, separate from the app of the API."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import flask

from mockserver.control import guard, requests
from mockserver.control.operations import OPERATIONS
from mockserver.pipeline.flask_adapter import Failures

if TYPE_CHECKING:
    from mockserver.control.operation import ControlContext

_FOLDER = str(Path(__file__).parent)  # otherwise Flask reads the working folder, which may not exist any more


def create_control_app(server: ControlContext) -> flask.Flask:
    """Return the control API of a server as a WSGI application."""
    app = flask.Flask("mockserver.control", static_folder=None, root_path=_FOLDER)
    Failures(server.errors, server.ids, server.journal).register(app)
    guard.register(app, server.settings, [each.path for each in OPERATIONS if each.is_open])
    requests.register_refusals(app, OPERATIONS)
    requests.limit_answers(app, server.answer_memory)
    for operation in OPERATIONS:
        view = requests.view(server, operation)
        app.add_url_rule(operation.rule, operation.name.replace(".", "_"), view, methods=[operation.method])
    return app
