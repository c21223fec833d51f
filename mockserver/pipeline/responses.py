"""Replies, and what answers and refusals have in common on their way out, whoever made them."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from werkzeug.datastructures import Headers

from mockserver.errors import ApiError
from mockserver.installation import broken_part

if TYPE_CHECKING:
    from mockserver.errors import Refusal
    from mockserver.pipeline.request import Request
    from mockserver.state.disk import StateFailed

log = logging.getLogger("mockserver.access")

_GIVEN_OUT = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
_SIGNS: dict[type[Exception], tuple[str, ...]] = {  # how the system says so in an error without a number
    RuntimeError: ("can't start new thread",),
    ImportError: ("failed to map segment", "cannot allocate memory", "Cannot allocate memory"),
}


class Reply:
    """What is sent in answer to a request. ``body`` is whole, or an iterator that is sent as it is made.

    The headers tell the length of a whole body, unless it is sent in chunks (``is_chunked``).
    """

    def __init__(
        self,
        body: bytes | Iterable[bytes],
        status: int,
        content_type: str,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Raises ``ValueError`` for a header whose value has several lines."""
        self.body = body
        self.status = status
        self.headers = Headers(list(headers))
        self.headers["Content-Type"] = content_type
        self.is_chunked = False
        self._on_close: list[Callable[[], object]] = []
        if isinstance(body, bytes):
            self.headers["Content-Length"] = str(len(body))

    @property
    def media_type(self) -> str:
        """Return the content type without parameters, in lower case."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Return whether the body is JSON."""
        return self.media_type == "application/json" or (
            self.media_type.startswith("application/") and self.media_type.endswith("+json")
        )

    def send_in_chunks(self) -> None:
        """Have the body sent in chunks, its length not announced."""
        del self.headers["content-length"]
        self.is_chunked = True

    def call_on_close(self, function: Callable[[], object]) -> None:
        """Have ``function`` called once the body is sent, or nobody wants it any more."""
        self._on_close.append(function)

    def close(self) -> None:
        """Call what is to be called once the body is sent. The body itself is closed by who sends it."""
        for function in self._on_close:
            function()


def refusal_reply(refusal: Refusal) -> Reply:
    """Return the reply that a refusal is sent as. Those of unknown URLs are sent in chunks."""
    reply = Reply(refusal.body, refusal.status, refusal.content_type)
    for name, value in refusal.headers:
        reply.headers[name] = value
    if refusal.from_gateway and refusal.status == 404:
        reply.send_in_chunks()
    return reply


def storage_error(failed: StateFailed) -> ApiError:
    """Return the error for a disk that cannot be written to: 507 if it is full, else 500."""
    return ApiError("storage_full" if failed.no_room else "storage_failed", reason=failed.reason)


def crashed(error: Exception, request: Request) -> ApiError:
    """Log what should not have happened; return how the request is refused.

    A damaged installation and a system that has nothing left to give are a 503 that says so, anything else a 500.
    """
    method, path = request.method, request.logged_path
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
    """Return whether an error is one of the system that has no more to give: memory, files or threads."""
    if isinstance(error, OSError):
        return error.errno in _GIVEN_OUT
    signs = _SIGNS.get(type(error), ())
    return isinstance(error, MemoryError) or any(sign in str(error) for sign in signs)


def log_exchange(request: Request, reply: Reply, began: float, note: str = "") -> None:
    """Log an answered request in one line; ``began`` is its start by ``time.perf_counter``."""
    level = logging.INFO if request.inner is None else logging.DEBUG
    if log.isEnabledFor(level):
        answered_by = note or reply.headers.get("x-mock-answered-by", "")
        milliseconds = (time.perf_counter() - began) * 1000
        log.log(
            level,
            "%s %s %d %.1f ms %s",
            request.method,
            request.logged_path,
            reply.status,
            milliseconds,
            answered_by,
        )
