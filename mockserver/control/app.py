"""The control API under ``/_mock``: what the server is, what it knows, and how to steer it.

It is an app of its own beside that of the API, made when it is first called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import flask

from mockserver.control import guard, requests
from mockserver.control.operations import OPERATIONS
from mockserver.pipeline.flask_adapter import answer_other_errors

if TYPE_CHECKING:
    from mockserver.control.operation import ControlContext

_FOLDER = str(Path(__file__).parent)  # Flask would ask for the working folder, which may be gone


def create_control_app(server: ControlContext) -> flask.Flask:
    """Return the control API of a server as a WSGI application."""
    app = flask.Flask("mockserver.control", static_folder=None, root_path=_FOLDER)
    answer_other_errors(app, server.errors, server.ids, server.journal)
    guard.register(app, server.settings, [each.path for each in OPERATIONS if each.is_open])
    requests.refuse_the_rest(app, OPERATIONS)
    requests.bound_answers(app, server.answer_memory)
    for operation in OPERATIONS:
        view = requests.view(server, operation)
        app.add_url_rule(operation.rule, operation.name.replace(".", "_"), view, methods=[operation.method])
    return app
