"""Replies to requests, refusals as replies, and the access log."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.installation import broken_part
from mockserver.state.disk import StoreUnreachable

if TYPE_CHECKING:
    from mockserver.errors import Refusal
    from mockserver.pipeline.request import Request
    from mockserver.state.disk import StateFailed

log = logging.getLogger("mockserver.access")

SWITCHING = 101  # the status of an accepted WebSocket, whose answer has no body

_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN)
_EXHAUSTED_MESSAGES: dict[type[Exception], tuple[str, ...]] = {  # of errors without a number
    RuntimeError: ("can't start new thread",),
    ImportError: ("failed to map segment", "cannot allocate memory", "Cannot allocate memory"),
}


class ReplyHeaders:
    """The headers of a reply, in order. Names match in any case; a name can occur several times."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Raise ``ValueError`` for a value with several lines, as the methods do that add headers."""
        self._pairs = list(pairs)
        self._names = [name.lower() for name, _ in self._pairs]
        _check_lines("".join([value for _, value in self._pairs]))

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def __setitem__(self, name: str, value: str) -> None:
        """Set a header in the place of those with its name, or add it."""
        _check_lines(value)
        lower = name.lower()
        place = self._names.index(lower) if lower in self._names else len(self._pairs)
        del self[name]
        self._pairs.insert(place, (name, value))
        self._names.insert(place, lower)

    def __delitem__(self, name: str) -> None:
        """Remove all headers with this name."""
        while name in self:
            place = self._names.index(name.lower())
            del self._pairs[place], self._names[place]

    def get(self, name: str, default: str = "") -> str:
        """Return the value of the first header with this name, or ``default``."""
        return self._pairs[self._names.index(name.lower())][1] if name in self else default

    def joined(self) -> dict[str, str]:
        """Return the values by name in lower case; several of one name are joined by commas."""
        values: dict[str, str] = {}
        for name, (_, value) in zip(self._names, self._pairs, strict=True):
            values[name] = f"{values[name]}, {value}" if name in values else value
        return values

    def add_missing(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add those headers whose names do not occur."""
        for name, value in pairs:
            if name not in self:
                self[name] = value

    def extend(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add headers, even if their names occur."""
        added = ReplyHeaders(pairs)
        self._pairs += added._pairs
        self._names += added._names


class Reply:
    """The response to a request. ``body`` is whole, or an iterator that is sent while it is made.

    A whole body has a ``Content-Length``, unless it is sent in chunks (``is_chunked``).
    """

    def __init__(
        self,
        body: bytes | Iterable[bytes],
        status: int,
        content_type: str,
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        """Raise ``ValueError`` for a header value with several lines."""
        self.body = body
        self.status = status
        self.headers = ReplyHeaders(headers)
        self.is_chunked = False
        self._on_close: list[Callable[[], object]] = []
        if status == SWITCHING:
            return
        self.headers["Content-Type"] = content_type
        if isinstance(body, bytes):
            self.headers["Content-Length"] = str(len(body))

    @property
    def media_type(self) -> str:
        """Return the content type without parameters, in lower case."""
        return self.headers.get("content-type").partition(";")[0].strip().lower()

    @property
    def is_json(self) -> bool:
        """Return whether the body is JSON."""
        return self.media_type == "application/json" or (
            self.media_type.startswith("application/") and self.media_type.endswith("+json")
        )

    def send_in_chunks(self) -> None:
        """Send the body in chunks, without its length."""
        del self.headers["content-length"]
        self.is_chunked = True

    def call_on_close(self, function: Callable[[], object]) -> None:
        """Call ``function`` when the body is sent, or the client has left."""
        self._on_close.append(function)

    def close(self) -> None:
        """Call the functions of ``call_on_close``. The sender of the body closes the body itself."""
        for function in self._on_close:
            function()


def _check_lines(value: str) -> None:
    if "\n" in value or "\r" in value:
        raise ValueError("Header values must not contain newline characters.")


def refusal_reply(refusal: Refusal) -> Reply:
    """Return the reply that sends a refusal. The gateway's refusals of unknown URLs are sent in chunks."""
    reply = Reply(refusal.body, refusal.status, refusal.content_type)
    for name, value in refusal.headers:
        reply.headers[name] = value
    if refusal.from_gateway and refusal.status == 404:
        reply.send_in_chunks()
    return reply


def close(reply: Reply) -> None:
    """Close a reply that is sent, or will not be."""
    try:
        end = getattr(reply.body, "close", None)
        if end is not None:
            end()
    finally:
        reply.close()


def storage_error(failed: StateFailed) -> ApiError:
    """Return the error for an unreachable store (503), a full disk (507), or another error of the disk (500)."""
    if isinstance(failed, StoreUnreachable):
        return ApiError("store_unreachable", reason=failed.reason)
    return ApiError("storage_full" if failed.no_room else "storage_failed", reason=failed.reason)


def crashed(error: Exception, request: Request) -> ApiError:
    """Log an unexpected exception, and return the refusal of the request.

    A damaged installation or an exhausted system is a 503 with the reason, anything else a 500.
    """
    method, path = request.method, request.logged_path
    if _is_exhausted(error):
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


def _is_exhausted(error: Exception) -> bool:
    """Return whether an error means that the system has no more memory, files or threads."""
    if isinstance(error, OSError):
        return error.errno in _EXHAUSTED
    messages = _EXHAUSTED_MESSAGES.get(type(error), ())
    return isinstance(error, MemoryError) or any(message in str(error) for message in messages)


def log_exchange(request: Request, reply: Reply, began: float, note: str = "") -> None:
    """Log a request and its reply in one line; ``began`` is the request's start by ``time.perf_counter``."""
    level = logging.INFO if request.inner is None else logging.DEBUG
    if log.isEnabledFor(level):
        answered_by = note or reply.headers.get("x-mock-answered-by")
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
