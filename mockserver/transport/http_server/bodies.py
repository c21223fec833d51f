"""The body of a request, as the app reads it (``wsgi.input``)."""

from __future__ import annotations

import re
import threading
from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.transport.bodies import ClientGone
from mockserver.transport.http_server.heads import check_trailer

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.transport.http_server.connections import Connection

_PIECE = 1 << 18  # bytes; smaller reads are joined from the received bytes
_MAX_LINE = 1 << 12  # bytes of a line in a chunked body
_MAX_EXTENSIONS = 1 << 16  # bytes of all extensions and trailers of a chunked body
_MAX_TRAILERS = 100
_MAX_UNREAD = 1 << 20  # unread bytes of a body; with more, the connection is not reused
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})([ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_giving_up = threading.Semaphore(2)  # threads that clean up after clients that left
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def body_of(connection: Connection) -> Body:
    """Return the body that follows the connection's head."""
    head = connection.head
    assert head is not None
    if head.length is None:
        return ChunkedBody(connection, expected=head.expects_continue)
    return KnownBody(connection, head.length, expected=head.expects_continue)


class Body(ABC):
    """A body. After an error, reads return no bytes. A requested 100 Continue is sent at the first read."""

    skipped_by_server = True  # the rest of the body; see ``transport.bodies.drain``

    def __init__(self, connection: Connection, *, expected: bool) -> None:
        self._connection = connection
        self._expected = expected  # the client waits for "100 Continue"
        self.ended = False
        self._broken = False
        self._gives_up = False

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes; empty at the end.

        Raises ``ClientGone`` if the client leaves, ``ApiError`` if it violates the protocol, and ``OSError``.
        """
        if self.ended or self._broken or size == 0:
            return b""
        self._broken = True  # until the read has succeeded
        if self._expected:
            self._expected = False
            if not self._connection.received:
                self._connection.write(_CONTINUE)
        try:
            data = self._read(size)
        except BlockingIOError:
            raise
        except OSError:
            self._wait_to_give_up()
            raise
        self._broken = False
        return data

    def done(self) -> None:
        """End the clean-up after a client that left, so that the next one can begin."""
        if self._gives_up:
            self._gives_up = False
            _giving_up.release()

    def _wait_to_give_up(self) -> None:
        """Wait for a turn to clean up: hundreds of clients that leave at once would delay all other requests."""
        if not self._gives_up:
            _giving_up.acquire()
            self._gives_up = True

    def leave(self) -> bool:
        """Stop reading. Return whether the connection can be reused after the rest of the body."""
        if self.ended:
            return True
        if self._expected or self._broken:  # the client may or may not send the rest
            return False
        return self._leave()

    @abstractmethod
    def _read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, or the rest if it is negative; set ``ended`` with the last."""

    @abstractmethod
    def _leave(self) -> bool:
        """Return whether the rest is short and of known length."""


class KnownBody(Body):
    """A body with a ``Content-Length``. Large reads go directly into one buffer."""

    def __init__(self, connection: Connection, length: int, *, expected: bool) -> None:
        super().__init__(connection, expected=expected)
        self._remaining = length
        self.ended = length == 0

    def _read(self, size: int) -> bytes:
        size = self._remaining if size < 0 else min(size, self._remaining)
        data = self._connection.read_whole(size) if size >= _PIECE else self._join(size)
        self._remaining -= size
        self.ended = self._remaining == 0
        return data

    def _join(self, size: int) -> bytes:
        pieces, missing = [], size
        while missing:
            piece = self._connection.read(missing)
            if not piece:
                raise ClientGone(f"{self._remaining - size + missing} bytes of the body are missing")
            pieces.append(piece)
            missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _leave(self) -> bool:
        if self._remaining > _MAX_UNREAD:
            return False
        self._connection.unread = self._remaining
        return True


class ChunkedBody(Body):
    """A chunked body (RFC 9112, 7.1). The announced sizes are not trusted."""

    def __init__(self, connection: Connection, *, expected: bool) -> None:
        super().__init__(connection, expected=expected)
        self._left = 0  # of the current chunk
        self._announced = 0  # bytes of all chunks so far, this one included
        self._max_bytes: int | None = None
        self._refusal: Callable[[int], ApiError] | None = None
        self._beside = 0  # bytes of extensions and trailers so far

    def _read(self, size: int) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self._read_piece(_PIECE), b""))
        return self._read_piece(size)

    def _read_piece(self, size: int) -> bytes:
        """Return at most ``size`` bytes of the current chunk, or of the next; empty after the last."""
        if self.ended or (self._left == 0 and not self._begin_chunk()):
            return b""
        data = self._connection.read(min(size, self._left))
        if not data:
            raise ClientGone(f"{self._left} bytes of a chunk are missing")
        self._left -= len(data)
        if self._left == 0 and self._line() != b"":
            raise _malformed("A chunk is longer than it says.")
        return data

    def refuse_beyond(self, max_bytes: int, refusal: Callable[[int], ApiError]) -> None:
        """Raise ``refusal(announced)`` as soon as more than ``max_bytes`` are announced, before they arrive."""
        self._max_bytes, self._refusal = max_bytes, refusal

    def _begin_chunk(self) -> bool:
        """Return whether another chunk follows. After the last one, read the trailers."""
        line = _CHUNK.fullmatch(self._line())
        if line is None:
            raise _malformed("A chunk does not begin with its size.")
        self._count(len(line[2] or b""))
        self._left = int(line[1], 16)
        self._announced += self._left
        if self._max_bytes is not None and self._refusal is not None and self._announced > self._max_bytes:
            raise self._refusal(self._announced)
        if self._left == 0:
            for _ in range(_MAX_TRAILERS):
                trailer = self._line()
                if not trailer:
                    self.ended = True
                    return False
                self._count(len(trailer))
                check_trailer(trailer)
            raise _malformed("Too many headers follow the body.")
        return True

    def _count(self, size: int) -> None:
        self._beside += size
        if self._beside > _MAX_EXTENSIONS:
            raise _malformed("Its chunks have more extensions than the server reads.")

    def _line(self) -> bytes:
        try:
            return self._connection.read_line(_MAX_LINE)
        except ValueError as error:
            raise _malformed(f"The body in chunks has {error}.") from error

    def _leave(self) -> bool:
        """Read the bytes that have arrived already."""
        left = _MAX_UNREAD
        with suppress(OSError, ApiError), self._connection.without_waiting():
            while left > 0 and not self.ended:
                left -= len(self.read(_PIECE)) or _PIECE
        return self.ended


def _malformed(reason: str) -> ApiError:
    return ApiError("malformed_request", reason=reason)
