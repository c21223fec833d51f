"""Delivers a body to a URL by POST, only to hosts that the settings allow. Redirects are not followed."""

from __future__ import annotations

import contextlib
import http.client
import threading
import time
from collections.abc import Iterator, Mapping

from msgspec import Struct

from mockserver.remote.connections import Connection, cut_off
from mockserver.remote.targets import AllowedHosts, FetchError, Resolve, Target, left, resolve

_MAX_ANSWER = 1024  # bytes of an answer's body that are read


class Posted(Struct, frozen=True):
    """The answer of a receiver: its status, and the beginning of its body."""

    status: int
    body: str


class Poster:
    """An HTTP client. An answer has ``seconds`` to begin. Thread-safe. A connection serves one request."""

    def __init__(self, seconds: float, resolve: Resolve = resolve) -> None:
        self._seconds = seconds
        self._resolve = resolve
        self._lock = threading.Lock()
        self._open: set[Connection] = set()
        self._closed = False

    def post(self, url: str, headers: Mapping[str, str], body: bytes, hosts: AllowedHosts) -> Posted:
        """Send ``body`` to one of the ``hosts``, and return the answer. Raises ``FetchError``, and ``NotAllowed``."""
        deadline = time.monotonic() + self._seconds
        target = hosts.target(url)
        try:
            connection = Connection(target, hosts.addresses(target, deadline, self._resolve), deadline)
            with self._registered(connection), cut_off(connection, deadline):
                return _answer(connection, target, headers, body, deadline)
        except (OSError, http.client.HTTPException) as error:
            if time.monotonic() >= deadline:
                raise FetchError(f"{url} did not answer within {self._seconds:g} seconds.") from error
            raise FetchError(f"{url} cannot be reached: {error!r}") from error

    def close(self) -> None:
        """Close all connections; requests in progress fail, and so do further ones."""
        with self._lock:
            self._closed = True
            connections = list(self._open)
        for connection in connections:
            connection.cut()

    @contextlib.contextmanager
    def _registered(self, connection: Connection) -> Iterator[None]:
        """Let ``close`` close the connection. Raises ``OSError`` after it, and closes the connection at the end."""
        with self._lock:
            if self._closed:
                raise OSError("the server stops")
            self._open.add(connection)
        try:
            with contextlib.closing(connection):
                yield
        finally:
            with self._lock:
                self._open.discard(connection)


def _answer(
    connection: Connection, target: Target, headers: Mapping[str, str], body: bytes, deadline: float
) -> Posted:
    connection.putrequest("POST", target.path, skip_accept_encoding=True)
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.putheader("content-length", str(len(body)))
    connection.putheader("connection", "close")
    connection.endheaders(body)
    with connection.getresponse() as response:
        left(deadline)  # headers cut off at the deadline are incomplete
        content = b""
        with contextlib.suppress(OSError, http.client.HTTPException):  # the status counts, not the body
            content = response.read1(_MAX_ANSWER)
        return Posted(response.status, content.decode("utf-8", "replace"))
