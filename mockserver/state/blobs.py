"""Stores blobs: bytes by id, on disk, or in memory if they are small and there is no state folder.

Blobs are written and read piece by piece, so that large ones take no memory. A blob exists once it is committed; it is
on the disk then. In a state folder it stays in a folder of this process (``arrivals.py``) until a value of the store
names it. So blobs of ended processes that no value names are left over from an interruption, and are removed; blobs in
``blobs/`` are removed only with the last value that names them.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from mockserver.state.arrivals import Arrivals
from mockserver.state.disk import StateFailed, Troubles, discard, flush, private_file, sync
from mockserver.state.folder import Folder, TemporaryFolder
from mockserver.state.layout import BLOBS, INCOMING, StateFolderError, is_blob_id
from mockserver.state.protocols import Blob

if TYPE_CHECKING:
    from mockserver.state.memory.documents import MemoryDocuments
    from mockserver.state.protocols import Change

NAMED_UNDER = "blobs"  # the member of a value that lists the ids of its blobs

_SMALL = 1 << 16  # bytes; larger blobs are on disk
_MAX_IN_MEMORY = 1 << 26  # bytes of all blobs in memory; further small ones are on disk, too


class BytesGone(KeyError):
    """No blob has the id: the value that named it was removed meanwhile, or the folder is damaged."""


class Blobs:
    """The blobs by id. Thread-safe.

    With a ``folder`` all are in it, and survive a restart. Without, large ones are in a temporary folder.
    """

    def __init__(self, folder: Folder | None = None, troubles: Troubles | None = None) -> None:
        self.troubles = troubles or Troubles()
        self._folder = folder
        self._lock = threading.Lock()
        self._memory: dict[str, bytes] = {}
        self._in_memory = 0
        self._arrivals: Arrivals | None = None
        if folder is not None:
            _make_folders(folder)
            self._arrivals = Arrivals(folder.path / INCOMING)

    def writer(self, blob_id: str | None = None) -> BlobWriter:
        """Return a writer of a new blob, a context manager. Without ``blob_id``, a new id is generated."""
        return BlobWriter(self, blob_id or uuid.uuid4().hex)

    def open(self, blob_id: str) -> BinaryIO:
        """Open a blob for reading. Raises ``BytesGone`` if there is none, ``StateFailed`` if the disk fails."""
        content = self._memory.get(blob_id)
        if content is not None:
            return io.BytesIO(content)
        if self._folder is None or not is_blob_id(blob_id):
            raise BytesGone(blob_id)
        for path in self._places(blob_id):
            try:
                return open(path, "rb", opener=_without_links)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise self.troubles.failed(path, error, "read") from error
        raise BytesGone(blob_id)

    def __contains__(self, blob_id: str) -> bool:
        """Return whether there is a blob ``blob_id``."""
        return self.size(blob_id) is not None

    def size(self, blob_id: str) -> int | None:
        """Return the size of a blob in bytes; ``None`` if there is none."""
        content = self._memory.get(blob_id)
        if content is not None:
            return len(content)
        if self._folder is None or not is_blob_id(blob_id):
            return None
        for path in self._places(blob_id):
            with contextlib.suppress(OSError):
                return path.lstat().st_size
        return None

    def settle(self, blob_id: str) -> None:
        """Move a blob that a value names to ``blobs/``. If that fails, a later start does it."""
        if self._folder is not None and is_blob_id(blob_id) and blob_id not in self._memory:
            for path in self._arriving(blob_id):
                with contextlib.suppress(OSError):
                    path.replace(self._path(blob_id))

    def delete(self, blob_id: str) -> None:
        """Delete a blob, if there is one. Open readers can read on."""
        with self._lock:
            self._in_memory -= len(self._memory.pop(blob_id, b""))
        if self._folder is not None and is_blob_id(blob_id):
            for path in {*self._places(blob_id)}:
                discard(path)

    def close(self) -> None:
        """Remove the temporary folder, or unlock the state folder."""
        if self._arrivals is not None:
            self._arrivals.close()
        if self._folder is not None:
            self._folder.close()

    def _places(self, blob_id: str) -> Iterator[Path]:
        """Yield the possible paths of a blob; the first again at the end: the blob can be moved there meanwhile."""
        yield self._path(blob_id)
        yield from self._arriving(blob_id)
        yield self._path(blob_id)

    def _arriving(self, blob_id: str) -> Iterable[Path]:
        """Return the paths of a blob that is not settled yet, in the folders of all processes."""
        return () if self._folder is None else (self._folder.path / INCOMING).glob(f"*/{blob_id}")

    def _path(self, blob_id: str) -> Path:
        return self._on_disk().path / BLOBS / blob_id

    def _on_disk(self) -> Folder:
        with self._lock:
            if self._folder is None:
                temporary = TemporaryFolder()
                _make_folders(temporary)
                self._folder = temporary
            return self._folder

    def _new_path(self, blob_id: str) -> Path:
        """Return the path of a blob that is being written."""
        return self._path(blob_id) if self._arrivals is None else self._arrivals.path / blob_id

    def failed(self, error: OSError | StateFolderError) -> StateFailed:
        """Return the exception to raise for an ``error`` of writing."""
        if isinstance(error, StateFolderError):  # of the temporary folder
            return StateFailed(str(error))
        place = self._folder.path if self._folder else "The folder for temporary files"
        return self.troubles.failed(place, error)

    def _keep_in_memory(self, blob_id: str, content: bytes) -> bool:
        """Keep a small blob in memory. Return whether there was room."""
        with self._lock:
            if self._arrivals is not None or self._in_memory + len(content) > _MAX_IN_MEMORY:
                return False
            self._in_memory += len(content)
            self._memory[blob_id] = content
            return True


class BlobWriter:
    """A writer of one blob, for one thread. Without a ``commit``, nothing of it is kept."""

    def __init__(self, blobs: Blobs, blob_id: str) -> None:
        self._blobs = blobs
        self._id = blob_id
        self._hash = hashlib.sha256()
        self._small: bytearray | None = bytearray()
        self._file: BinaryIO | None = None
        self._path: Path | None = None  # of the file
        self.size = 0

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the written bytes, in hex."""
        return self._hash.hexdigest()

    def write(self, piece: bytes | memoryview) -> None:
        """Append bytes. Raises ``StateFailed`` if the disk fails."""
        self._hash.update(piece)
        self.size += len(piece)
        if self._small is not None:
            if self.size <= _SMALL:
                self._small += piece
                return
            self._spill()
        self._try(lambda file: file.write(piece))

    def commit(self) -> Blob:
        """Keep the written bytes as a blob and return it. Raises ``StateFailed``."""
        if self._small is not None and not self._blobs._keep_in_memory(self._id, bytes(self._small)):
            self._spill()
        if self._file is not None:
            self._try(self._finish)
            self._file = None
        return Blob(self._id, self.size, self.sha256)

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(self, *_: object) -> None:
        """Discard the written bytes, unless they were committed."""
        self._small = None
        if self._file is not None:
            with contextlib.suppress(OSError):  # of bytes that could not be written before
                self._file.close()
            self._file = None
            if self._path is not None:
                discard(self._path)

    def _spill(self) -> None:
        """Move the bytes in memory to a file."""
        small, self._small = self._small, None
        try:
            self._path = self._blobs._new_path(self._id)
            self._file = private_file(self._path, new=True)
        except (OSError, StateFolderError) as error:
            raise self._blobs.failed(error) from error
        self._try(lambda file: file.write(small or b""))

    def _finish(self, file: BinaryIO) -> None:
        flush(file)
        file.close()
        assert self._path is not None
        sync(self._path.parent)

    def _try(self, write: Callable[[BinaryIO], object]) -> None:
        assert self._file is not None, "the writer is closed"
        try:
            write(self._file)
        except OSError as error:
            raise self._blobs.failed(error) from error


class References:
    """The blobs that the values of a store in memory name. Those that none names any more are deleted."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._counts: Counter[str] = Counter()

    def follow(self, store: MemoryDocuments) -> None:
        """Follow the changes of ``store`` from now on."""
        store.listen(self._count)

    def _count(self, changes: Sequence[Change]) -> None:
        self._counts.update(_names(change.after for change in changes))
        dropped = _names(change.before for change in changes)
        self._counts.subtract(dropped)
        for blob_id in dropped:
            if self._counts[blob_id] <= 0:
                del self._counts[blob_id]
                self._blobs.delete(blob_id)


def _names(values: Iterable[dict[str, Any] | None]) -> Counter[str]:
    """Return how often each blob is named in ``values``."""
    return Counter(blob_id for value in values for blob_id in named_in(value))


def _make_folders(folder: Folder) -> None:
    for name in (BLOBS, INCOMING):
        folder.folder(name)


def _without_links(path: str, flags: int) -> int:
    """Open a file unless it is a symbolic link. An opener for ``open``."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def named_in(value: dict[str, Any] | None) -> Iterable[str]:
    """Return the ids of the blobs that a value of the store names."""
    ids: Iterable[str] = (value or {}).get(NAMED_UNDER, ())
    return ids
