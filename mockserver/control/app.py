"""The control API under ``/_mock``: what the server is, what it knows, and how to steer it.

It is an app of its own beside that of the API, made when it is first called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import flask

from mockserver.control import guard, requests
from mockserver.control.operation import ControlContext
from mockserver.control.operations import OPERATIONS
from mockserver.control.resettable import parts_of
from mockserver.pipeline.flask_adapter import refuse_otherwise

if TYPE_CHECKING:
    from mockserver.services import Services

_FOLDER = str(Path(__file__).parent)  # Flask would ask for the working folder, which may be gone


def create_control_app(services: Services) -> flask.Flask:
    """Return the control API of a server as a WSGI application."""
    app = flask.Flask("mockserver.control", static_folder=None, root_path=_FOLDER)
    refuse_otherwise(app, services.errors, services.ids, services.journal)
    guard.register(app, services.settings, [each.path for each in OPERATIONS if each.is_open])
    requests.refuse_the_rest(app, OPERATIONS)
    requests.bound_answers(app, services.answer_memory)
    server = _context(services)
    for operation in OPERATIONS:
        view = requests.view(server, operation)
        app.add_url_rule(operation.rule, operation.name.replace(".", "_"), view, methods=[operation.method])
    return app


def _context(services: Services) -> ControlContext:
    return ControlContext(
        settings=services.settings,
        schemas=services.schemas,
        accounts=services.accounts,
        account_settings=services.account_settings,
        catalog=services.catalog,
        clock=services.clock,
        limiter=services.limiter,
        ledger=services.ledger,
        stubs=services.stubs,
        faults=services.faults,
        journal=services.journal,
        metrics=services.metrics,
        spoken=services.spoken,
        whisper=services.whisper,
        fixtures=len(services.fixtures.fixtures),
        resettable=parts_of(services),
        closing=services.closing,
    )
