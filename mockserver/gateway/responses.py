"""What answers and refusals have in common on their way out, whoever made them."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import flask

from mockserver.gateway.body import announced_length, drain
from mockserver.gateway.errors import ApiError
from mockserver.gateway.inner_calls import inner_call
from mockserver.gateway.urls import written_path
from mockserver.installation import broken_part

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


def of_crash(error: Exception) -> ApiError:
    """Return what to answer where something went wrong that should not have; it is logged.

    A part of the installation that is missing or damaged is named, anything else has its traceback in the log.
    """
    method, path = flask.request.method, quote(whole_path())
    complaint = broken_part(error)
    if complaint is None:
        log.error("%s %s failed", method, path, exc_info=error)
        return ApiError("server_error")
    log.error("%s %s failed: %s", method, path, complaint)
    return ApiError("broken_installation", reason=complaint)


def whole_path() -> str:
    """The request's path as the client wrote it."""
    return written_path(flask.request.environ)


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
            quote(whole_path()),
            response.status_code,
            milliseconds,
            answered_by,
        )
