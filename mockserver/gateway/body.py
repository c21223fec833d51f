"""Reads request bodies: bounded, and only a few large ones at a time."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Protocol

from mockserver.gateway.errors import ApiError

if TYPE_CHECKING:
    import flask

LARGE = 1 << 20  # bytes; smaller bodies are read without a place of their own
_PLACES = 16
_PIECE = 1 << 16
_DRAINED_AT_MOST = 1 << 28  # bytes of a refused body that are read and thrown away to keep the connection


class ClientGone(ConnectionError):
    """The client stopped sending before the body was complete; nobody is there to answer."""


class Readable(Protocol):
    """A WSGI input stream."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""
        ...


class Place:
    """Where a request may hold a large body: taken when one comes, given back with the ``with`` block."""

    def __init__(self, places: threading.Semaphore, patience: float) -> None:
        self._places = places
        self._patience = patience
        self._taken = False

    def take(self) -> None:
        """Waits for a place, unless one is held already.

        Raises ``ApiError`` (``overloaded``) when none becomes free within the server's patience.
        """
        if not self._taken:
            self._taken = self._places.acquire(timeout=self._patience)
            if not self._taken:
                raise ApiError(
                    "overloaded", reason="Too many large uploads are being handled. Try again later."
                )

    def release(self) -> None:
        """Gives the place back early, once the body has been understood and only an engine is waited for."""
        if self._taken:
            self._taken = False
            self._places.release()

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class BodyReader:
    """Reads the bodies of all requests of a server, at most ``limit`` bytes each.

    A large body waits ``patience`` seconds for one of a few places. How fast a body must come is for the
    server to say that hosts the app: ``mockserver.server`` drops who is too slow.
    """

    def __init__(self, limit: int, patience: float) -> None:
        self.limit = limit
        self._patience = patience
        self._places = threading.BoundedSemaphore(_PLACES)

    def place(self) -> Place:
        """The place of one request, not taken yet."""
        return Place(self._places, self._patience)

    def read(self, stream: Readable, length: int | None, place: Place) -> bytes:
        """The whole body, of ``announced_length``; a large one takes ``place``.

        Raises ``ApiError`` (``body_too_large``, ``overloaded``) and ``ClientGone``.
        """
        if length is None:
            return self._read_chunked(stream, place)
        if length > self.limit:
            drain(stream, length)
            raise ApiError("body_too_large", limit=self.limit, read=length)
        if length > LARGE:
            place.take()
        body = stream.read(length) if length else b""
        if len(body) < length:
            raise ClientGone(f"{len(body)} of {length} bytes came")
        return body

    def _read_chunked(self, stream: Readable, place: Place) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            try:
                piece = stream.read(_PIECE)
            except (OSError, ValueError) as error:  # the servers that can host the app differ in this
                raise ClientGone(str(error)) from error
            if not piece:
                return b"".join(pieces)
            size += len(piece)
            if size > self.limit:
                raise ApiError("body_too_large", limit=self.limit, read=size + drain(stream))
            if size > LARGE:
                place.take()
            pieces.append(piece)


def announced_length(request: flask.Request) -> int | None:
    """Bytes of the request's body as its headers have it: 0 for none, ``None`` for one in chunks."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        return None
    return request.content_length or 0


def drain(stream: Readable, length: int | None = None) -> int:
    """Reads and forgets the rest of a body, so that the client hears the answer; says how much that was.

    A client that stops sending is not an error here.
    """
    most = left = _DRAINED_AT_MOST if length is None else min(length, _DRAINED_AT_MOST)
    with contextlib.suppress(OSError, ValueError):
        while piece := stream.read(min(left, _PIECE)):
            left -= len(piece)
    return most - left
