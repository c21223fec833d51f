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

_PIECE = 1 << 18  # bytes; less is put together from what was received already
_LINE_AT_MOST = 1 << 12  # bytes, within a body in chunks
_EXTENSIONS_AT_MOST = 1 << 16  # bytes of all that is beside the data in a body in chunks, but for the sizes
_TRAILERS_AT_MOST = 100
_KEPT_AT_MOST = 1 << 20  # unread bytes of a body after which the connection takes another request
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})([ \t]*;[\t\x20-\x7e\x80-\xff]*)?")
_giving_up = threading.Semaphore(2)  # threads whose clients have left, and that undo what they did for them
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def body_of(connection: Connection) -> Body:
    """Return the body that follows the connection's head."""
    head = connection.head
    assert head is not None
    if head.length is None:
        return ChunkedBody(connection, expected=head.expects_continue)
    return KnownBody(connection, head.length, expected=head.expects_continue)


class Body(ABC):
    """A body. A truncated one is not waited for again. A 100 Continue is sent, if asked for, at the first read."""

    skipped_by_server = True  # what is left of it; see ``transport.bodies.drain``

    def __init__(self, connection: Connection, *, expected: bool) -> None:
        self._connection = connection
        self._expected = expected  # the client waits for "100 Continue"
        self.ended = False
        self._broken = False
        self._gives_up = False

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes; none at the end.

        Raises ``ClientGone`` when the client breaks off, ``ApiError`` when it breaks the rules, and ``OSError``.
        """
        if self.ended or self._broken or size == 0:
            return b""
        self._broken = True  # until this has succeeded
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
        """Let the next one give up, if this one did."""
        if self._gives_up:
            self._gives_up = False
            _giving_up.release()

    def _wait_to_give_up(self) -> None:
        """Wait for one's turn: hundreds of clients that leave at once would keep every other request waiting."""
        if not self._gives_up:
            _giving_up.acquire()
            self._gives_up = True

    def leave(self) -> bool:
        """Stop reading; return whether the connection can be used for another request after the rest of the body."""
        if self.ended:
            return True
        if self._expected or self._broken:  # the client may or may not send the body
            return False
        return self._leave()

    @abstractmethod
    def _read(self, size: int) -> bytes:
        """Return at most ``size`` bytes, all that are left if it is negative; set ``ended`` with the last."""

    @abstractmethod
    def _leave(self) -> bool:
        """Return whether the rest is short and of known length."""


class KnownBody(Body):
    """A body with a ``Content-Length``; large pieces of it are received straight into one buffer."""

    def __init__(self, connection: Connection, length: int, *, expected: bool) -> None:
        super().__init__(connection, expected=expected)
        self._remaining = length
        self.ended = length == 0

    def _read(self, size: int) -> bytes:
        size = self._remaining if size < 0 else min(size, self._remaining)
        data = self._connection.read_whole(size) if size >= _PIECE else self._put_together(size)
        self._remaining -= size
        self.ended = self._remaining == 0
        return data

    def _put_together(self, size: int) -> bytes:
        pieces, missing = [], size
        while missing:
            piece = self._connection.read(missing)
            if not piece:
                raise ClientGone(f"{self._remaining - size + missing} bytes of the body did not come")
            pieces.append(piece)
            missing -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _leave(self) -> bool:
        if self._remaining > _KEPT_AT_MOST:
            return False
        self._connection.unread = self._remaining
        return True


class ChunkedBody(Body):
    """A body in chunks (RFC 9112, 7.1). The sizes that the client sends are not trusted."""

    def __init__(self, connection: Connection, *, expected: bool) -> None:
        super().__init__(connection, expected=expected)
        self._left = 0  # of the current chunk
        self._announced = 0  # bytes of all chunks so far, this one included
        self._most: int | None = None
        self._refusal: Callable[[int], ApiError] | None = None
        self._beside = 0  # bytes of extensions and trailers so far

    def _read(self, size: int) -> bytes:
        if self._left == 0 and not self._begin_chunk():
            return b""
        size = self._left if size < 0 else min(size, self._left)
        data = self._connection.read(size)
        if not data:
            raise ClientGone(f"{self._left} bytes of a chunk did not come")
        self._left -= len(data)
        if self._left == 0 and self._line() != b"":
            raise _malformed("A chunk is longer than it says.")
        return data

    def refuse_beyond(self, most: int, refusal: Callable[[int], ApiError]) -> None:
        """Raise ``refusal`` of the bytes announced, once they are more than ``most``, before they have come."""
        self._most, self._refusal = most, refusal

    def _begin_chunk(self) -> bool:
        """Return whether there is another chunk; after the last one, read the trailers."""
        line = _CHUNK.fullmatch(self._line())
        if line is None:
            raise _malformed("A chunk does not begin with its size.")
        self._count(len(line[2] or b""))
        self._left = int(line[1], 16)
        self._announced += self._left
        if self._most is not None and self._refusal is not None and self._announced > self._most:
            raise self._refusal(self._announced)
        if self._left == 0:
            for _ in range(_TRAILERS_AT_MOST):
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
        if self._beside > _EXTENSIONS_AT_MOST:
            raise _malformed("Its chunks have more extensions than the server reads.")

    def _line(self) -> bytes:
        try:
            return self._connection.read_line(_LINE_AT_MOST)
        except ValueError as error:
            raise _malformed(f"The body in chunks has {error}.") from error

    def _leave(self) -> bool:
        """Read what has come already."""
        left = _KEPT_AT_MOST
        with suppress(OSError, ApiError), self._connection.without_waiting():
            while left > 0 and not self.ended:
                left -= len(self.read(_PIECE)) or _PIECE
        return self.ended


def _malformed(reason: str) -> ApiError:
    return ApiError("malformed_request", reason=reason)
