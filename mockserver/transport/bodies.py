"""Reads request bodies of bounded size; large ones wait for a share of a common memory."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

from mockserver.audio.content import LARGE as LARGE  # smaller bodies are read without waiting for memory
from mockserver.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECE = 1 << 16  # bytes
_MAX_DRAINED = 1 << 28  # bytes of a refused body that are read and dropped to keep the connection


class ClientGone(ConnectionError):
    """The client left before the body was complete; a response is pointless."""


class Readable(Protocol):
    """A WSGI input stream."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most ``size`` bytes; empty at the end."""
        ...


class BodyMemory:
    """The memory for large bodies, in bytes. Requests for it are served first come, first served."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self._left = capacity
        self._changed = threading.Condition()
        self._queue: deque[object] = deque()

    @property
    def waiting(self) -> int:
        """Return the number of waiting requests for memory."""
        return len(self._queue)

    def take(self, size: int, timeout: float) -> bool:
        """Reserve ``size`` bytes; wait up to ``timeout`` seconds for them. Return whether that succeeded."""
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
                self._changed.notify_all()  # the next in the queue may only be waiting for its turn
        return given

    def give_back(self, size: int) -> None:
        """Release ``size`` reserved bytes."""
        with self._changed:
            self._left += size
            self._changed.notify_all()


class UploadSlot:
    """The memory reserved for the large body of one request; a context manager that releases it."""

    def __init__(self, memory: BodyMemory, timeout: float) -> None:
        self._memory = memory
        self._timeout = timeout
        self._size = 0

    def take(self, size: int) -> None:
        """Reserve ``size`` bytes, unless memory is reserved already.

        Raises ``ApiError`` (``overloaded``) if the memory does not become free in time.
        """
        if not self._size:
            size = min(size, self._memory.capacity)
            if not self._memory.take(size, self._timeout):
                raise ApiError(
                    "overloaded", reason="Too many large uploads are being handled. Try again later."
                )
            self._size = size

    def release(self) -> None:
        """Release the memory before the end of the block, once the body is parsed."""
        size, self._size = self._size, 0
        if size:
            self._memory.give_back(size)

    def __enter__(self) -> UploadSlot:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


class BodyReader:
    """The reader of the request bodies of a server, of at most ``limit`` bytes each.

    Large bodies take at most ``memory`` bytes together; further ones wait up to ``timeout`` seconds. The minimum speed
    of a body is up to the HTTP server: ``transport.http_server`` drops clients that are too slow.
    """

    def __init__(self, limit: int, timeout: float, memory: int = 1 << 28) -> None:
        self.limit = limit
        self._timeout = timeout
        self._memory = BodyMemory(memory)

    def slot(self) -> UploadSlot:
        """Return the slot of one request, without reserved memory."""
        return UploadSlot(self._memory, self._timeout)

    def read(self, stream: Readable, length: int | None, slot: UploadSlot, copies: int = 1) -> bytes:
        """Return the whole body of ``length`` bytes (``None``: in chunks). A large one takes ``copies`` times its size.

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
            raise ClientGone(f"{len(body)} of {length} bytes arrived")
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
            except (OSError, ValueError) as error:  # servers differ in this
                raise ClientGone(str(error)) from error
            if not piece:
                return b"".join(pieces)
            size += len(piece)
            if size > self.limit:
                raise ApiError("body_too_large", limit=self.limit, read=size + drain(stream))
            if size > LARGE:
                slot.take(self.limit * copies)  # the total size is unknown
            pieces.append(piece)


def announced_length(environ: dict[str, Any]) -> int | None:
    """Return the length of a WSGI request's body by its headers: 0 without a body, ``None`` for one in chunks."""
    if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
        return None
    length = environ.get("CONTENT_LENGTH", "")
    return int(length) if length.isdecimal() else 0


def refuse_beyond(stream: Readable, max_bytes: int, refusal: Callable[[int], ApiError]) -> None:
    """Let the included server refuse a body in chunks as soon as it announces more than ``max_bytes``.

    With other servers, the body is refused once that many bytes have arrived.
    """
    set_limit = getattr(stream, "refuse_beyond", None)
    if set_limit is not None:
        set_limit(max_bytes, refusal)


def drain(stream: Readable, length: int | None = None) -> int:
    """Read and drop the rest of a body, so that the client reads the response. Return the number of bytes.

    Does nothing under the included server, which does so itself after the response. A client that leaves is no error.
    """
    if getattr(stream, "skipped_by_server", False):
        return 0
    limit = left = _MAX_DRAINED if length is None else min(length, _MAX_DRAINED)
    with contextlib.suppress(OSError, ValueError):
        while piece := stream.read(min(left, _PIECE)):
            left -= len(piece)
    return limit - left
