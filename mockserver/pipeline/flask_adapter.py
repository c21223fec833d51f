"""The adapter for Flask: converts a WSGI request to a ``Request``, and a ``Reply`` to a Flask response."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import flask
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from mockserver.errors import ApiError
from mockserver.pipeline import root
from mockserver.pipeline.exchange import begin
from mockserver.pipeline.request import InnerCall, Request, RequestHeaders
from mockserver.pipeline.responses import Reply, crashed, log_exchange, refusal_reply
from mockserver.transport.bodies import announced_length
from mockserver.transport.connection import HEADERS, Connection

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.journal.journal import Journal

log = logging.getLogger(__name__)

_WITHOUT_BODY = (204, 304)  # statuses of responses that have no body
_HTML = "text/html; charset=utf-8"


def request_of(environ: dict[str, Any]) -> Request:
    """Return the request in a WSGI environ."""
    port = str(environ.get("SERVER_PORT", ""))  # a Unix socket has none
    return Request(
        method=environ["REQUEST_METHOD"],
        path=written_path(environ),
        query_string=environ.get("QUERY_STRING", ""),
        headers=RequestHeaders(environ.get(HEADERS) or _headers(environ)),
        body=environ["wsgi.input"],
        length=announced_length(environ),
        connection=Connection.of(environ),
        protocol=environ.get("SERVER_PROTOCOL", ""),
        scheme=environ["wsgi.url_scheme"],
        server=(environ["SERVER_NAME"], int(port) if port.isdecimal() else None),
        inner=InnerCall.of(environ),
    )


def written_path(environ: Mapping[str, Any]) -> str:
    """Return the path of a WSGI request as the client wrote it, without the query."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


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


def view(answer: Callable[[Request, Mapping[str, str]], Reply]) -> Callable[..., flask.Response]:
    """Return the Flask view function of what answers a request with the values in its path."""

    def handle(**path_values: str) -> flask.Response:
        return response_of(answer(request_of(flask.request.environ), path_values))

    return handle


class FixedPaths:
    """A WSGI application that answers the requests of fixed paths itself, and leaves all others to Flask.

    Flask's routing and contexts cost as much as a small chat. Paths with parameters, and pages of other origins, need
    them.
    """

    def __init__(
        self,
        flask_app: WSGIApplication,
        answers: Mapping[tuple[str, str], Callable[[Request, Mapping[str, str]], Reply]],
        failures: Failures,
    ) -> None:
        """``answers`` are found by method and path."""
        self._flask_app = flask_app
        self._answers = answers
        self._failures = failures

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        answer = self._answers.get((environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")))
        if answer is None or "HTTP_ORIGIN" in environ:
            return self._flask_app(environ, start_response)
        began, request = time.perf_counter(), request_of(environ)
        try:
            reply = answer(request, {})
        except Exception as error:  # noqa: BLE001 - as Flask does
            reply = self._failures.reply(error, request, began)
        if reply.status < 200 or reply.status in _WITHOUT_BODY:
            return response_of(reply)(environ, start_response)
        start_response(
            f"{reply.status} {HTTP_STATUS_CODES.get(reply.status, 'UNKNOWN')}", list(reply.headers)
        )
        return _Body(reply)


class _Body:
    """The body of a reply, as WSGI servers send it."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def __iter__(self) -> Iterator[bytes]:
        body = self._reply.body
        return iter((body,) if isinstance(body, bytes) else body)

    def close(self) -> None:
        """Close the body and the reply."""
        try:
            close = getattr(self._reply.body, "close", None)
            if close is not None:
                close()
        finally:
            self._reply.close()


class Failures:
    """Answers and records what fails outside the pipeline, as the API's gateway does."""

    def __init__(self, errors: ErrorTable, ids: Ids, journal: Journal) -> None:
        self._errors = errors
        self._ids = ids
        self._journal = journal

    def reply(self, error: Exception, request: Request, began: float) -> Reply:
        """Return the reply to a request; ``began`` is its start by ``time.perf_counter``."""
        if isinstance(error, ConnectionError | TimeoutError):
            log.info("%s %s: the client left: %s", request.method, request.logged_path, error)
            return Reply(b"", 400, _HTML, [("connection", "close")])
        if isinstance(error, HTTPException):
            refusal = ApiError("invalid_request", message=error.description)
        else:
            refusal = crashed(error, request)
        request.drain()
        request_id = self._ids.request_id()
        refusal.values.setdefault("request_id", request_id)
        reply = refusal_reply(self._errors.refusal(refusal))
        reply.headers["x-request-id"] = request_id
        log_exchange(request, reply, began, refusal.name)
        exchange = begin(self._journal, request_id, request, began=began)
        exchange.error = refusal.name
        return exchange.answered(reply)

    def register(self, app: flask.Flask) -> None:
        """Have ``app`` answer its errors so."""

        def note_time() -> None:
            flask.g.began = time.perf_counter()

        def handle(error: Exception) -> flask.Response:
            return response_of(self.reply(error, request_of(flask.request.environ), flask.g.began))

        app.before_request(note_time)
        for kind in (Exception, HTTPException):
            app.register_error_handler(kind, handle)


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
