"""Answers requests of fixed paths without Flask, which is imported when a request needs it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from mockserver.catalog.paths import WEBSOCKET
from mockserver.installation import importing
from mockserver.pipeline.adapters.wsgi_adapter import request_of
from mockserver.pipeline.responses import SWITCHING
from mockserver.transport.reasons import REASONS, with_reasons

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from mockserver.pipeline.adapters.wsgi_adapter import Answering, Failures
    from mockserver.pipeline.responses import Reply

_WITHOUT_BODY = (204, 304)  # statuses of responses that have no body


class FixedPaths:
    """A WSGI application that answers the requests of fixed paths itself, and leaves all others to Flask.

    Flask's routing and contexts cost as much as a small chat. Paths with parameters, and pages of other origins, need
    them, but for WebSockets, which have fixed paths and no CORS.
    """

    def __init__(
        self,
        flask_app: WSGIApplication,
        answers: Mapping[tuple[str, str], Answering],
        failures: Failures,
    ) -> None:
        """``answers`` are found by method and path."""
        self._flask_app = flask_app
        self._answers = answers
        self._failures = failures

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "")
        wants_web_socket = method == "GET" and environ.get("HTTP_UPGRADE", "").lower() == "websocket"
        answer = self._answers.get((WEBSOCKET if wants_web_socket else method, path))
        if answer is None or ("HTTP_ORIGIN" in environ and not wants_web_socket):
            return self._flask_app(environ, start_response)
        began, request = time.perf_counter(), request_of(environ)
        try:
            reply = answer(request, {})
        except Exception as error:  # noqa: BLE001 - as Flask does
            reply = self._failures.reply(error, request, began)
        if reply.status in _WITHOUT_BODY or (reply.status < 200 and reply.status != SWITCHING):
            with importing:
                from mockserver.pipeline.adapters.flask_adapter import response_of

            return with_reasons(response_of(reply))(environ, start_response)
        return sent(reply, start_response)


class LateApp:
    """A WSGI application that is made at its first request, which imports Flask.

    If it cannot be made, its requests are answered with the reason.
    """

    def __init__(self, make: Callable[[], WSGIApplication], failures: Failures) -> None:
        self._make = make
        self._failures = failures
        self._made: WSGIApplication | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        began = time.perf_counter()
        try:
            with importing:
                if self._made is None:
                    self._made = self._make()
        except Exception as error:  # noqa: BLE001 - most likely of a damaged module
            return sent(self._failures.reply(error, request_of(environ), began), start_response)
        return self._made(environ, start_response)


def sent(reply: Reply, start_response: StartResponse) -> Iterable[bytes]:
    """Return the body of a reply, after its status and headers have been passed to the server."""
    start_response(f"{reply.status} {REASONS.get(reply.status, 'UNKNOWN')}", list(reply.headers))
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
