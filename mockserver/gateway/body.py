"""Reads request bodies: bounded, and only a few large ones at a time."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Protocol

from mockserver.gateway.errors import ApiError

LARGE = 1 << 20  # bytes; smaller bodies are read without waiting for a slot
_LARGE_SLOTS = 16
_PIECE = 1 << 16
_DRAINED_AT_MOST = 1 << 28  # bytes of a refused body that are read and thrown away to keep the connection


class ClientGone(ConnectionError):
    """The client stopped sending before the body was complete; nobody is there to answer."""


class Readable(Protocol):
    """A WSGI input stream."""

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; empty at the end."""
        ...


class BodyReader:
    """Reads the bodies of all requests of a server, at most ``limit`` bytes each."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._large_slots = threading.BoundedSemaphore(_LARGE_SLOTS)

    @contextlib.contextmanager
    def slot(self, content_length: int | None) -> Iterator[None]:
        """Holds one of the few places for large bodies while such a request is handled."""
        if content_length is not None and content_length <= LARGE:
            yield
            return
        with self._large_slots:
            yield

    def read(self, stream: Readable, content_length: int | None) -> bytes:
        """The whole body; ``content_length`` is ``None`` for chunked ones.

        Raises ``ApiError`` (``body_too_large``) and ``ClientGone``.
        """
        if content_length is None:
            return self._read_chunked(stream)
        if content_length > self.limit:
            drain(stream, content_length)
            raise ApiError("body_too_large", limit=self.limit, read=content_length)
        body = stream.read(content_length) if content_length else b""
        if len(body) < content_length:
            raise ClientGone(f"{len(body)} of {content_length} bytes came")
        return body

    def _read_chunked(self, stream: Readable) -> bytes:
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
                raise ApiError(
                    "body_too_large", limit=self.limit, read=size + drain(stream, _DRAINED_AT_MOST)
                )
            pieces.append(piece)


def drain(stream: Readable, remaining: int) -> int:
    """Reads and forgets the rest of a body, so that the client hears the answer; says how much that was.

    A client that stops sending is not an error here.
    """
    left = remaining = min(remaining, _DRAINED_AT_MOST)
    with contextlib.suppress(OSError, ValueError):
        while piece := stream.read(min(left, _PIECE)):
            left -= len(piece)
    return remaining - left
