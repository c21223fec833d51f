"""The adapter for Flask: converts a WSGI request to a ``Request``, and a ``Reply`` to a Flask response."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import flask
from werkzeug.exceptions import HTTPException

from mockserver.errors import ApiError
from mockserver.pipeline import root
from mockserver.pipeline.exchange import begin
from mockserver.pipeline.request import InnerCall, Request, RequestHeaders
from mockserver.pipeline.responses import crashed, log_exchange, refusal_reply
from mockserver.transport.bodies import ClientGone, announced_length
from mockserver.transport.connection import Connection
from mockserver.transport.urls import written_path

if TYPE_CHECKING:
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.journal.journal import Journal
    from mockserver.pipeline.pipeline import Pipeline
    from mockserver.pipeline.provider import Route
    from mockserver.pipeline.responses import Reply

log = logging.getLogger(__name__)


def request_of(environ: dict[str, Any]) -> Request:
    """Return the request in a WSGI environ."""
    port = str(environ.get("SERVER_PORT", ""))  # a Unix socket has none
    return Request(
        method=environ["REQUEST_METHOD"],
        path=written_path(environ),
        query_string=environ.get("QUERY_STRING", ""),
        headers=RequestHeaders(_headers(environ)),
        body=environ["wsgi.input"],
        length=announced_length(environ),
        connection=Connection.of(environ),
        protocol=environ.get("SERVER_PROTOCOL", ""),
        scheme=environ["wsgi.url_scheme"],
        server=(environ["SERVER_NAME"], int(port) if port.isdecimal() else None),
        inner=InnerCall.of(environ),
    )


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a WSGI request, with names in lower case, in the order of the environ."""
    headers = {}
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            headers[key[5:].replace("_", "-").lower()] = value
        elif value and key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            headers[key.replace("_", "-").lower()] = value
    return headers


def response_of(reply: Reply) -> flask.Response:
    """Return the Flask response that sends a reply."""
    body = [reply.body] if isinstance(reply.body, bytes) else reply.body
    response = flask.Response(body, reply.status, reply.headers)
    response.automatically_set_content_length = not reply.is_chunked
    response.call_on_close(reply.close)
    return response


def view(pipeline: Pipeline, route: Route) -> Callable[..., flask.Response]:
    """Return the Flask view function of a route."""

    def handle(**path_values: str) -> flask.Response:
        return response_of(pipeline.reply(request_of(flask.request.environ), route, path_values))

    return handle


def answer_other_errors(app: flask.Flask, errors: ErrorTable, ids: Ids, journal: Journal) -> None:
    """Make ``app`` answer and record errors outside the pipeline, as the API's gateway does."""
    app.before_request(_note_time)

    def refuse(error: ApiError, request: Request) -> flask.Response:
        request.drain()
        reply = refusal_reply(errors.refusal(error))
        request_id = reply.headers["x-request-id"] = ids.request_id()
        log_exchange(request, reply, flask.g.began, error.name)
        exchange = begin(journal, request_id, request, began=flask.g.began)
        exchange.error = error.name
        return response_of(exchange.answered(reply))

    def other_http_error(error: HTTPException) -> flask.Response:
        return refuse(
            ApiError("invalid_request", message=error.description), request_of(flask.request.environ)
        )

    def crash(error: Exception) -> flask.Response:
        request = request_of(flask.request.environ)
        refusal = crashed(error, request)
        refusal.values["request_id"] = ids.request_id()
        return refuse(refusal, request)

    app.register_error_handler(HTTPException, other_http_error)
    app.register_error_handler(Exception, crash)
    app.register_error_handler(ClientGone, _client_left)
    app.register_error_handler(TimeoutError, _client_left)
    app.register_error_handler(ConnectionError, _client_left)


def open_to_browsers(app: flask.Flask) -> None:
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


def _note_time() -> None:
    flask.g.began = time.perf_counter()


def _client_left(error: Exception) -> flask.Response:
    request = request_of(flask.request.environ)
    log.info("%s %s: the client left: %s", request.method, request.logged_path, error)
    return flask.Response(b"", 400, {"connection": "close"})
