"""What answers and refusals have in common on their way out, whoever made them."""

from __future__ import annotations

import errno
import logging
import time
from typing import TYPE_CHECKING
from urllib.parse import quote

import flask

from mockserver.accounts.redaction import secrets_of
from mockserver.errors import ApiError
from mockserver.installation import broken_part
from mockserver.pipeline.inner_calls import inner_call
from mockserver.transport.bodies import announced_length, drain
from mockserver.transport.urls import written_path

if TYPE_CHECKING:
    from mockserver.errors import Refusal
    from mockserver.state.disk import StateFailed

log = logging.getLogger("mockserver.access")

_GIVEN_OUT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
_SIGNS: dict[type[Exception], tuple[str, ...]] = {  # how the system says so in an error without a number
    RuntimeError: ("can't start new thread",),
    ImportError: ("failed to map segment", "cannot allocate memory", "Cannot allocate memory"),
}


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


def storage_error(failed: StateFailed) -> ApiError:
    """Return the error for a disk that cannot be written to: 507 if it is full, else 500."""
    return ApiError("storage_full" if failed.no_room else "storage_failed", reason=failed.reason)


def crashed(error: Exception) -> ApiError:
    """Log what should not have happened; return how it is refused.

    A damaged installation and a system that has nothing left to give are a 503 that says so, anything else a 500.
    """
    method, path = flask.request.method, logged_path()
    if _has_given_out(error):
        log.error(
            "%s %s failed: the system has no more memory, threads or open files (%r)", method, path, error
        )
        reason = "The server has no memory, threads or open files left. Try again later."
        return ApiError("overloaded", reason=reason)
    complaint = broken_part(error)
    if complaint is not None:
        log.error("%s %s failed: %s", method, path, complaint)
        return ApiError("broken_installation", reason=complaint)
    log.error("%s %s failed", method, path, exc_info=error)
    return ApiError("server_error")


def _has_given_out(error: Exception) -> bool:
    """Whether an error is one of the system that has no more to give: memory, files or threads."""
    if isinstance(error, OSError):
        return error.errno in _GIVEN_OUT
    signs = _SIGNS.get(type(error), ())
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in signs)


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
