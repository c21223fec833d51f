"""Reads request bodies: bounded, and of large ones only as many at a time as memory is set aside for."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from werkzeug.wsgi import get_content_length

from mockserver.audio.content import LARGE as LARGE  # smaller bodies are read without waiting for memory
from mockserver.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = 1 << 16
_DRAINED_AT_MOST = 1 << 28  # bytes of a refused body that are read and thrown away to keep the connection


class ClientGone(ConnectionError):
    """The client stopped sending before the body was complete; nobody is there to answer."""


class Readable(Protocol):
    """A WSGI input stream."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes; none at the end."""
        ...


class BodyMemory:
    """The bytes that large bodies may take together. Who comes first is given them first."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._left = capacity
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @property
    def waiting(self) -> int:
        """Return how many wait for bytes."""
        return len(self._queue)

    def take(self, size: int, timeout: float) -> bool:
        """Take ``size`` bytes; wait up to ``timeout`` seconds for them. Return whether they were given."""
        turn = object()
        with self._changed:
            self._queue.append(turn)
            try:
                given = self._changed.wait_for(
                    lambda: self._queue[0] is turn and self._left >= size, timeout=timeout
                )
                if given:
                    self._left -= size
            finally:
                self._queue.remove(turn)
                self._changed.notify_all()  # the next may be waiting for no more than its turn
        return given

    def give_back(self, size: int) -> None:
        """Give bytes back that were taken."""
        with self._changed:
            self._left += size
            self._changed.notify_all()


class UploadSlot:
    """The memory for the large body of one request: taken when one comes, given back with the ``with`` block."""

    def __init__(self, memory: BodyMemory, timeout: float) -> None:
        self._memory = memory
        self._timeout = timeout
        self._size = 0

    def take(self, size: int) -> None:
        """Wait for memory for ``size`` bytes, unless some is held already.

        Raises ``ApiError`` (``overloaded``) when it does not become free in time.
        """
        if not self._size:
            size = min(size, self._memory.capacity)
            if not self._memory.take(size, self._timeout):
                raise ApiError(
                    "overloaded", reason="Too many large uploads are being handled. Try again later."
                )
            self._size = size

    def release(self) -> None:
        """Give the slot back early, once the body has been understood and only an engine is waited for."""
        size, self._size = self._size, 0
        if size:
            self._memory.give_back(size)

    def __enter__(self) -> UploadSlot:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class BodyReader:
    """Reads the bodies of all requests of a server, at most ``limit`` bytes each.

    Large ones take at most ``memory`` bytes together; others wait up to ``timeout`` seconds for theirs. How fast a body
    must come is for the server to say that hosts the app: ``transport.http_server`` drops clients that are too slow.
    """

    def __init__(self, limit: int, timeout: float, memory: int = 1 << 28) -> None:
        self.limit = limit
        self._timeout = timeout
        self._memory = BodyMemory(memory)

    def slot(self) -> UploadSlot:
        """Return the slot of one request, not taken yet."""
        return UploadSlot(self._memory, self._timeout)

    def read(self, stream: Readable, length: int | None, slot: UploadSlot, copies: int = 1) -> bytes:
        """Return the whole body, of ``announced_length``; a large one takes ``slot``, ``copies`` times its size.

        Raises ``ApiError`` (``body_too_large``, ``overloaded``) and ``ClientGone``.
        """
        if length is None:
            return self._read_chunked(stream, slot, copies)
        if length > self.limit:
            drain(stream, length)
            raise ApiError("body_too_large", limit=self.limit, read=length)
        if length > LARGE:
            slot.take(length * copies)
        body = stream.read(length) if length else b""
        if len(body) < length:
            raise ClientGone(f"{len(body)} of {length} bytes came")
        return body

    def _read_chunked(self, stream: Readable, slot: UploadSlot, copies: int) -> bytes:
        refuse_beyond(
            stream, self.limit, lambda size: ApiError("body_too_large", limit=self.limit, read=size)
        )
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
                slot.take(self.limit * copies)  # how much comes is not known
            pieces.append(piece)


def announced_length(environ: dict[str, Any]) -> int | None:
    """Return the bytes of a WSGI request's body as its headers have it: 0 for none, ``None`` for one in chunks."""
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    return get_content_length(environ) or 0


def refuse_beyond(stream: Readable, most: int, refusal: Callable[[int], ApiError]) -> None:
    """Have a body in chunks refused as soon as it announces more than ``most`` bytes, by the server that ships.

    With other servers it is refused once they have come.
    """
    tell = getattr(stream, "refuse_beyond", None)
    if tell is not None:
        tell(most, refusal)


def drain(stream: Readable, length: int | None = None) -> int:
    """Read and drop the rest of a body, so that the client reads the answer. Return its bytes.

    The server that ships does so after the answer. A client that stops sending is not an error here.
    """
    if getattr(stream, "skipped_by_server", False):
        return 0
    most = left = _DRAINED_AT_MOST if length is None else min(length, _DRAINED_AT_MOST)
    with contextlib.suppress(OSError, ValueError):
        while piece := stream.read(min(left, _PIECE)):
            left -= len(piece)
    return most - left
