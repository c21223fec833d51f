"""Blobs in Redis, in pieces. Large ones can be outside of it: in a folder or bucket that all processes share."""

from __future__ import annotations

import contextlib
import hashlib
import io
import time
import uuid
from typing import TYPE_CHECKING, BinaryIO

from mockserver.state.blobs import BytesGone
from mockserver.state.disk import StateFailed
from mockserver.state.layout import is_blob_id
from mockserver.state.protocols import Blob
from mockserver.state.redis.scripts import script

if TYPE_CHECKING:
    from mockserver.state.redis.outside import Outside
    from mockserver.state.redis.server import RedisServer

_WRITE, _COMMIT = script("blob_write"), script("blob_commit")
_DELETE, _UNNAMED = script("blob_delete"), script("blobs_unnamed")

_PIECE = 1 << 18  # bytes
_UNNAMED_FOR = 3_600  # seconds in which a value must name a new blob; longer, it is removed
_IN_REDIS, _OUTSIDE = b"redis", b"outside"


class RedisBlobs:
    """The blobs by id (``protocols.BlobStore``). Large ones are ``outside`` of Redis, if that is given.

    A new blob is removed after an hour unless a value names it. The scripts of the documents count the values that name
    a blob, and remove it with the last of them.
    """

    def __init__(self, server: RedisServer, outside: Outside | None = None) -> None:
        self._server = server
        self._outside = outside
        if outside is not None:
            self.delete_unnamed()

    def writer(self, blob_id: str | None = None) -> RedisBlobWriter:
        """Return a writer of a new blob, a context manager. Without ``blob_id``, a new id is generated."""
        return RedisBlobWriter(self._server, self._outside, blob_id or uuid.uuid4().hex)

    def open(self, blob_id: str) -> BinaryIO:
        """Open a blob for reading. Raises ``BytesGone`` if there is none, ``StateFailed`` if it cannot be read."""
        place = self._place(blob_id)
        if place is None:
            raise BytesGone(blob_id)
        where, size = place
        if where == _OUTSIDE:
            return self._elsewhere(blob_id).open(blob_id)
        raw = _Pieces(self._server, self._server.key("blob", blob_id, "pieces"), size)
        return io.BufferedReader(raw, _PIECE)

    def __contains__(self, blob_id: str) -> bool:
        """Return whether there is a blob ``blob_id``."""
        return self._place(blob_id) is not None

    def size(self, blob_id: str) -> int | None:
        """Return the size of a blob in bytes; ``None`` if there is none."""
        place = self._place(blob_id)
        return None if place is None else place[1]

    def delete(self, blob_id: str) -> None:
        """Delete a blob, if there is one that no value names."""
        if not is_blob_id(blob_id):
            return
        keys = [self._server.key("blob", blob_id), self._server.key("blob", blob_id, "pieces")]
        place = self._server.run(_DELETE, [*keys, self._server.key("blob", "counts")], blob_id)
        if place is not None and place.startswith(_OUTSIDE):
            self._remove(blob_id)

    def delete_unnamed(self) -> None:
        """Delete the blobs outside of Redis that no value names any more, also those that a killed process left so."""
        for blob_id in self._server.run(_UNNAMED, [self._server.key("blob")], _UNNAMED_FOR):
            self._remove(blob_id.decode())

    def close(self) -> None:
        """Do nothing: the store is closed by its owner."""

    def _remove(self, blob_id: str) -> None:
        self._elsewhere(blob_id).remove(blob_id)
        self._server.call("SREM", self._server.key("blob", "unnamed"), blob_id)
        self._server.call("ZREM", self._server.key("blob", "arriving"), blob_id)

    def _elsewhere(self, blob_id: str) -> Outside:
        if self._outside is None:
            raise StateFailed(
                f"The blob {blob_id} is in a folder or bucket that the option blobs of the store does not name"
            )
        return self._outside

    def _place(self, blob_id: str) -> tuple[bytes, int] | None:
        """Return where a blob is, and its size in bytes; ``None`` if there is none."""
        found = self._server.call("GET", self._server.key("blob", blob_id)) if is_blob_id(blob_id) else None
        if found is None:
            return None
        where, size = found.split()
        return where, int(size)


class RedisBlobWriter:
    """A writer of one blob, for one thread. Without a ``commit``, nothing of it is kept."""

    def __init__(self, server: RedisServer, outside: Outside | None, blob_id: str) -> None:
        self._server = server
        self._outside = outside
        self._id = blob_id
        self._hash = hashlib.sha256()
        self._waiting = bytearray()
        self._file: BinaryIO | None = None  # outside of Redis
        self._is_committed = False
        self.size = 0

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the written bytes, in hex."""
        return self._hash.hexdigest()

    def write(self, piece: bytes | memoryview) -> None:
        """Append bytes. Raises ``StateFailed`` if they cannot be written."""
        self._hash.update(piece)
        self.size += len(piece)
        self._waiting += piece
        if self._outside is None:
            while len(self._waiting) >= _PIECE:
                self._send(self._take(_PIECE))
        elif self._file is not None or self.size > self._outside.blobs_from:
            self._spill(self._outside)

    def commit(self) -> Blob:
        """Keep the written bytes as a blob and return it. Raises ``StateFailed``."""
        where = _IN_REDIS if self._file is None else _OUTSIDE
        if self._file is not None and self._outside is not None:
            self._outside.close(self._file)
        while self._waiting:
            self._send(self._take(_PIECE))
        keys = [self._key(), self._key("pieces")]
        self._server.run(_COMMIT, keys, _UNNAMED_FOR, b"%s %d" % (where, self.size))
        self._is_committed = True
        return Blob(self._id, self.size, self.sha256)

    def __enter__(self) -> RedisBlobWriter:
        return self

    def __exit__(self, *_: object) -> None:
        """Discard the written bytes, unless they were committed. What cannot be removed now expires."""
        if self._is_committed:
            return
        with contextlib.suppress(StateFailed):
            if self._file is not None and self._outside is not None:
                with contextlib.suppress(StateFailed):
                    self._outside.close(self._file)
                self._outside.remove(self._id)
            self._server.call("DEL", self._key("pieces"))

    def _take(self, size: int) -> bytes:
        piece = bytes(self._waiting[:size])
        del self._waiting[:size]
        return piece

    def _send(self, piece: bytes) -> None:
        self._server.run(_WRITE, [self._key(), self._key("pieces")], _UNNAMED_FOR, piece)

    def _spill(self, outside: Outside) -> None:
        """Write what is waiting to a file outside of Redis, which is noted there before it exists."""
        if self._file is None:
            arriving = self._server.key("blob", "arriving")
            self._server.call("ZADD", arriving, int(time.time()), self._id)
            self._file = outside.create(self._id)
        outside.write(self._file, self._take(len(self._waiting)))

    def _key(self, *parts: str) -> str:
        return self._server.key("blob", self._id, *parts)


class _Pieces(io.RawIOBase):
    """The content of a blob, whose pieces are fetched when they are read."""

    def __init__(self, server: RedisServer, key: str, size: int) -> None:
        super().__init__()
        self._server = server
        self._key = key
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        """Return ``True``."""
        return True

    def seekable(self) -> bool:
        """Return ``True``."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to another place, and return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read into ``buffer``, at most to the end of a piece. Return the number of bytes."""
        number, begin = divmod(self._at, _PIECE)
        if self._at >= self._size:
            return 0
        piece = self._server.call("LINDEX", self._key, number)
        if piece is None:
            raise StateFailed("The file was deleted while it was read")
        part = memoryview(piece)[begin : begin + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)
