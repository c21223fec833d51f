"""What answers and refusals have in common on their way out, whoever made them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import flask

from mockserver.gateway.body import announced_length, drain
from mockserver.gateway.inner_calls import inner_call
from mockserver.gateway.redaction import secrets_of
from mockserver.gateway.urls import written_path

if TYPE_CHECKING:
    from mockserver.gateway.errors import Refusal

log = logging.getLogger("mockserver.access")


def refusal_response(refusal: Refusal) -> flask.Response:
    """Return a refusal as a Flask response. Those of unknown URLs are sent in chunks."""
    response = flask.Response(refusal.body, refusal.status, content_type=refusal.content_type)
    for name, value in refusal.headers:
        response.headers[name] = value
    return in_chunks(response) if refusal.from_gateway and refusal.status == 404 else response


def in_chunks(response: flask.Response) -> flask.Response:
    """Return a response whose length is not announced, so that the HTTP server sends it in chunks."""
    del response.headers["content-length"]
    response.automatically_set_content_length = False
    return response


def drain_request() -> None:
    """Reads what is left of the request's body, so that the client hears the refusal."""
    drain(flask.request.environ["wsgi.input"], announced_length(flask.request))


def log_crash(error: Exception) -> None:
    """What should not have happened, with its traceback."""
    log.error("%s %s failed", flask.request.method, logged_path(), exc_info=error)


def whole_path() -> str:
    """The request's path as the client wrote it."""
    return written_path(flask.request.environ)


def logged_path() -> str:
    """Return the request's path as it is logged: without secrets, in one line."""
    return quote(secrets_of(flask.request.environ).hide_in_path(whole_path()), safe="/*")


def logged(text: object) -> str:
    """Return what is logged of a text about the request: without its secrets."""
    return secrets_of(flask.request.environ).hide(str(text))


def log_exchange(response: flask.Response, began: float, note: str = "") -> None:
    """One line of log for an answered request."""
    level = logging.INFO if inner_call(flask.request.environ) is None else logging.DEBUG
    if log.isEnabledFor(level):
        answered_by = note or response.headers.get("x-mock-answered-by", "")
        milliseconds = (time.perf_counter() - began) * 1000
        request = flask.request
        log.log(
            level,
            "%s %s %d %.1f ms %s",
            request.method,
            logged_path(),
            response.status_code,
            milliseconds,
            answered_by,
        )
