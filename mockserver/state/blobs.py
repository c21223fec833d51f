"""Stores blobs: bytes by id, on disk, or in memory if they are small and there is no state folder.

Blobs are written and read piece by piece, so that large ones take no memory. A blob exists once it is committed; it is
on the disk then. It stays in ``incoming/`` until a value of the store names it, and is moved back there before the
last such value is removed. So a blob in ``incoming/`` that no value names is left over from an interruption, and the
next start removes it; blobs in ``blobs/`` are never removed at a start.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from mockserver.state.disk import StateFailed, Troubles, discard, flush, private_file, sync
from mockserver.state.folder import Folder, TemporaryFolder
from mockserver.state.layout import BLOBS, INCOMING, StateFolderError, is_blob_id

if TYPE_CHECKING:
    from mockserver.state.memory.documents import MemoryDocuments
    from mockserver.state.protocols import Change

NAMED_UNDER = "blobs"  # the member of a value that lists the ids of its blobs

_SMALL = 1 << 16  # bytes; larger blobs are on disk
_MAX_IN_MEMORY = 1 << 26  # bytes of all blobs in memory; further small ones are on disk, too


class Blob(NamedTuple):
    """A committed blob: its id, its size in bytes, and its SHA-256 in hex."""

    id: str
    size: int
    sha256: str


class BytesGone(KeyError):
    """No blob has the id: the value that named it was removed meanwhile, or the folder is damaged."""


class Blobs:
    """The blobs by id. Thread-safe.

    With a ``folder`` all are in it, and survive a restart. Without, large ones are in a temporary folder.
    """

    def __init__(self, folder: Folder | None = None, troubles: Troubles | None = None) -> None:
        self.troubles = troubles or Troubles()
        self._folder = folder
        self._keeps = folder is not None
        self._lock = threading.Lock()
        self._memory: dict[str, bytes] = {}
        self._in_memory = 0
        if folder is not None:
            _make_folders(folder)

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
        """Move a blob that a value names to ``blobs/``. If that fails, the next start does it."""
        self._move(self._incoming, self._path, blob_id)

    def unsettle(self, blob_id: str) -> None:
        """Move a blob, which stays readable, to ``incoming/``: the next start removes it unless a value names it."""
        self._move(self._path, self._incoming, blob_id)

    def delete(self, blob_id: str) -> None:
        """Delete a blob, if there is one. Open readers can read on.

        An unsettled blob that cannot be removed now (on Windows, while it is read) is removed at the next start.
        """
        with self._lock:
            self._in_memory -= len(self._memory.pop(blob_id, b""))
        if self._folder is not None and is_blob_id(blob_id):
            for path in {*self._places(blob_id)}:
                discard(path)

    def close(self) -> None:
        """Remove the temporary folder, or unlock the state folder."""
        if self._folder is not None:
            self._folder.close()

    def _move(self, source: Callable[[str], Path], target: Callable[[str], Path], blob_id: str) -> None:
        if self._folder is not None and is_blob_id(blob_id) and blob_id not in self._memory:
            with contextlib.suppress(OSError):
                source(blob_id).replace(target(blob_id))

    def _places(self, blob_id: str) -> tuple[Path, ...]:
        """Return the possible paths of a blob; the first twice, because the blob can be moved there meanwhile."""
        return self._path(blob_id), self._incoming(blob_id), self._path(blob_id)

    def _path(self, blob_id: str) -> Path:
        return self._on_disk().path / BLOBS / blob_id

    def _on_disk(self) -> Folder:
        with self._lock:
            if self._folder is None:
                temporary = TemporaryFolder()
                _make_folders(temporary)
                self._folder = temporary
            return self._folder

    def _incoming(self, blob_id: str) -> Path:
        """Return the path of a blob while no value names it."""
        return self._on_disk().path / INCOMING / blob_id

    def failed(self, error: OSError | StateFolderError) -> StateFailed:
        """Return the exception to raise for an ``error`` of writing."""
        if isinstance(error, StateFolderError):  # of the temporary folder
            return StateFailed(str(error))
        place = self._folder.path if self._folder else "The folder for temporary files"
        return self.troubles.failed(place, error)

    def _keep_in_memory(self, blob_id: str, content: bytes) -> bool:
        """Keep a small blob in memory. Return whether there was room."""
        with self._lock:
            if self._keeps or self._in_memory + len(content) > _MAX_IN_MEMORY:
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
            discard(self._blobs._incoming(self._id))

    def _spill(self) -> None:
        """Move the bytes in memory to a file."""
        small, self._small = self._small, None
        try:
            self._file = private_file(self._blobs._incoming(self._id), new=True)
        except (OSError, StateFolderError) as error:
            raise self._blobs.failed(error) from error
        self._try(lambda file: file.write(small or b""))

    def _finish(self, file: BinaryIO) -> None:
        flush(file)
        file.close()
        sync(self._blobs._incoming(self._id).parent)

    def _try(self, write: Callable[[BinaryIO], object]) -> None:
        assert self._file is not None, "the writer is closed"
        try:
            write(self._file)
        except OSError as error:
            raise self._blobs.failed(error) from error


class References:
    """The reference counts of the blobs: how many values of the store name each. Unnamed blobs are deleted."""

    def __init__(
        self,
        blobs: Blobs,
        write: Callable[[Sequence[Change]], None] = lambda _: None,
        values: Iterable[dict[str, Any]] = (),
    ) -> None:
        """Count the blobs of the initial ``values`` of the store. ``write`` writes changes of the store to disk."""
        self._blobs = blobs
        self._write = write
        self._counts = _names(values)

    def follow(self, store: MemoryDocuments) -> None:
        """Follow the changes of ``store`` from now on."""
        store.persist(self.persist)
        store.listen(self.release)

    def persist(self, changes: Sequence[Change]) -> None:
        """Write changes of the store, and settle or unsettle their blobs. Raises what ``write`` raises."""
        unnamed = self._unnamed_after(changes)
        for blob_id in unnamed:
            self._blobs.unsettle(blob_id)
        try:
            self._write(changes)
        except BaseException:
            for blob_id in unnamed:
                self._blobs.settle(blob_id)
            raise
        named = _names(change.after for change in changes)
        for blob_id in [blob_id for blob_id in named if self._counts[blob_id] == 0]:
            self._blobs.settle(blob_id)
        self._counts.update(named)
        self._counts.subtract(_names(change.before for change in changes))

    def release(self, changes: Sequence[Change]) -> None:
        """Delete the blobs that no value names any more, once the changes are visible."""
        for blob_id in _names(change.before for change in changes):
            if self._counts[blob_id] <= 0:
                del self._counts[blob_id]
                self._blobs.delete(blob_id)

    def _unnamed_after(self, changes: Sequence[Change]) -> list[str]:
        """Return the ids of blobs that no value names after the changes, though one did before or in between."""
        dropped = _names(change.before for change in changes)
        named = _names(change.after for change in changes)
        return [each for each in dropped if self._counts[each] + named[each] - dropped[each] <= 0]


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
