"""The bytes of uploaded files: small files are kept in memory, large ones in a temporary file."""

from __future__ import annotations

import hashlib
import io
import tempfile
import threading
from functools import cache
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _typeshed import WriteableBuffer

LARGE = 1 << 20  # bytes; larger contents are stored on disk
_PIECE = 1 << 18  # bytes read at a time


@cache
def has_disk() -> bool:
    """Return whether temporary files can be created. A container may have no writable folder."""
    try:
        Spool().write(b"?")
    except OSError:
        return False
    return True


class Spool:
    """A temporary file that no other user can read; it is deleted with the last content in it.

    If the system allows it, the file has no name, so that nothing remains if the process is killed; otherwise it is
    removed when it is closed.
    """

    def __init__(self) -> None:
        """Create the file. Raises ``OSError``."""
        self._file: BinaryIO = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 - `__del__` closes it
        self._lock = threading.Lock()
        self.size = 0

    def write(self, piece: bytes | memoryview) -> None:
        """Append bytes. Raises ``OSError`` if the disk is full or fails."""
        with self._lock:
            self._file.seek(self.size)
            rest = memoryview(piece)
            while rest:
                rest = rest[self._file.write(rest) :]
            self.size += len(piece)

    def read(self, start: int, count: int) -> bytes:
        """Return ``count`` bytes from ``start``, fewer at the end."""
        with self._lock:
            self._file.seek(start)
            return self._file.read(count)

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


class Content:
    """The bytes of a file. Contents are equal if their bytes are equal. Thread-safe."""

    def __init__(self, data: bytes = b"") -> None:
        self.size = len(data)
        self._source: bytes | Spool = data
        self._start = 0
        self._sha256 = ""

    @classmethod
    def of(cls, data: bytes | Content) -> Content:
        """Return ``data`` as a content; a content is returned unchanged."""
        return data if isinstance(data, Content) else cls(data)

    @classmethod
    def aside(cls, data: bytes) -> Content:
        """Return a content of ``data``, stored on disk if it is large and there is a disk. Raises ``OSError``."""
        if len(data) <= LARGE or not has_disk():
            return cls(data)
        writer = ContentWriter(Spool())
        writer.write(data)
        return writer.content()

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the bytes, in hex."""
        if not self._sha256:  # contents on disk were hashed while they were written
            self._sha256 = hashlib.sha256(self.read()).hexdigest()
        return self._sha256

    def part(self, start: int, count: int) -> bytes:
        """Return ``count`` bytes from ``start``, fewer at the end."""
        count = max(0, min(count, self.size - start))
        if isinstance(self._source, bytes):
            return self._source[start : start + count]
        return self._source.read(self._start + start, count)

    def read(self) -> bytes:
        """Return all bytes."""
        return self._source if isinstance(self._source, bytes) else self.part(0, self.size)

    def pieces(self) -> Iterator[bytes]:
        """Yield all bytes, in pieces."""
        for start in range(0, self.size, _PIECE):
            yield self.part(start, _PIECE)

    def open(self, start: int = 0, end: int | None = None) -> BinaryIO:
        """Return a reader of the bytes from ``start`` to ``end``."""
        end = self.size if end is None else end
        if isinstance(self._source, bytes):
            return io.BytesIO(self._source[start:end])
        return io.BufferedReader(_Reader(self, start, end), _PIECE)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Content) and self.sha256 == other.sha256

    def __hash__(self) -> int:
        return hash(self.sha256)


class ContentWriter:
    """A writer that hashes the bytes of one file and appends them to a ``spool``, piece by piece."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._start = spool.size
        self._hash = hashlib.sha256()

    def write(self, piece: bytes | memoryview) -> None:
        """Append bytes. Raises ``OSError`` if the disk is full or fails."""
        self._hash.update(piece)
        self._spool.write(piece)

    def content(self) -> Content:
        """Return the written bytes as a content."""
        content = Content()
        content.size = self._spool.size - self._start
        content._source, content._start = self._spool, self._start
        content._sha256 = self._hash.hexdigest()
        return content


class _Reader(io.RawIOBase):
    """A reader of a content on disk, from ``start`` to ``end``."""

    def __init__(self, content: Content, start: int, end: int) -> None:
        super().__init__()
        self._content = content
        self._start = start
        self._size = end - start
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = (0, self._position, self._size)[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        count = max(0, min(len(view), self._size - self._position))
        data = self._content.part(self._start + self._position, count)
        view[: len(data)] = data
        self._position += len(data)
        return len(data)
