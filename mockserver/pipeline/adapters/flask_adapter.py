"""The adapter for Flask, which finds the routes of requests: the app for them, and a ``Reply`` as Flask's response.

Flask would take a third of a start, so this module is imported at the first request that needs it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import flask
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from mockserver.catalog.paths import WEBSOCKET, has_double_slash
from mockserver.pipeline import root
from mockserver.pipeline.adapters.wsgi_adapter import request_of

if TYPE_CHECKING:
    from mockserver.pipeline.adapters.wsgi_adapter import Answering, Failures
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.responses import Reply


def routing_app(
    answers: Iterable[tuple[Operation, Answering]],
    unserved: Callable[[Request, Iterable[str]], Reply],
    failures: Failures,
) -> flask.Flask:
    """Return the app that answers each operation, and other requests by ``unserved``.

    ``unserved`` takes the request and the methods that its path has.
    """
    app = flask.Flask("mockserver", static_folder=None)
    answer_failures(app, failures)
    _open_to_browsers(app)
    for operation, answer in answers:
        path, method = operation.path, operation.method
        if method == WEBSOCKET:  # never comes here
            continue
        app.add_url_rule(path, f"{method} {path}", _view(answer), methods=[method])

    def answer_unserved() -> flask.Response | None:
        error, environ = flask.request.routing_exception, flask.request.environ
        if error is None and not has_double_slash(environ["PATH_INFO"]):
            return None
        served = error.valid_methods if isinstance(error, MethodNotAllowed) else None
        return response_of(unserved(request_of(environ), served or ()))

    app.before_request(answer_unserved)
    return app


def _view(answer: Answering) -> Callable[..., flask.Response]:
    """Return the view function of an operation."""

    def handle(**path_values: str) -> flask.Response:
        return response_of(answer(request_of(flask.request.environ), path_values))

    return handle


def response_of(reply: Reply) -> flask.Response:
    """Return the Flask response that sends a reply."""
    body = [reply.body] if isinstance(reply.body, bytes) else reply.body
    response = flask.Response(body, reply.status, reply.headers)
    response.automatically_set_content_length = not reply.is_chunked
    response.call_on_close(reply.close)
    return response


def answer_failures(app: flask.Flask, failures: Failures) -> None:
    """Have ``failures`` answer the errors of ``app``."""

    def note_time() -> None:
        flask.g.began = time.perf_counter()

    def handle(error: Exception) -> flask.Response:
        return response_of(failures.reply(error, request_of(flask.request.environ), flask.g.began))

    app.before_request(note_time)
    for kind in (Exception, HTTPException):
        app.register_error_handler(kind, handle)


def _open_to_browsers(app: flask.Flask) -> None:
    """Add the front page, and let pages of any origin use the API, as the real one does."""

    def front_page() -> flask.Response:
        return response_of(root.front_page(flask.request.host_url))

    def answer_preflight() -> flask.Response | None:
        headers = flask.request.headers.get("Access-Control-Request-Headers")
        return response_of(root.preflight(headers)) if flask.request.method == "OPTIONS" else None

    def allow_pages(response: flask.Response) -> flask.Response:
        if "Origin" in flask.request.headers:
            root.allow_pages(response.headers)
        return response

    app.add_url_rule("/", "front_page", front_page, methods=["GET"])
    app.before_request(answer_preflight)
    app.after_request(allow_pages)
