"""Creates the Flask app of the control API under ``/_mock``, separate from the app of the API."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import flask

from mockserver.control import guard, requests
from mockserver.control.contexts import ControlContext
from mockserver.control.operations import OPERATIONS
from mockserver.pipeline.adapters.flask_adapter import answer_failures
from mockserver.pipeline.adapters.wsgi_adapter import Failures

if TYPE_CHECKING:
    from mockserver.pipeline.provider import Fill

_FOLDER = str(Path(__file__).parent)  # otherwise Flask reads the working folder, which may not exist any more


def create_control_app(fill: Fill) -> flask.Flask:
    """Return the control API of a server as a WSGI application; ``fill`` makes the contexts of its handlers."""
    filled = cache(fill)
    control = filled(ControlContext)
    app = flask.Flask("mockserver.control", static_folder=None, root_path=_FOLDER)
    answer_failures(app, Failures(control.errors, control.ids, control.journal))
    open_paths = [each.path for each in OPERATIONS if each.is_open]
    without_account = [each.path for each in OPERATIONS if not each.by_account]
    guard.register(app, control.settings, open_paths, without_account)
    requests.register_refusals(app, OPERATIONS)
    requests.limit_answers(app, control.answer_memory)
    for operation in OPERATIONS:
        view = requests.view(control, operation, filled(operation.context))
        app.add_url_rule(operation.rule, operation.name.replace(".", "_"), view, methods=[operation.method])
    return app
