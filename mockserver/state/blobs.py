"""Bytes that are kept exactly: small ones in memory if nothing outlives the server, all others on disk.

They are written and read piece by piece, so that their size costs no memory. What is being written is not there
until it is committed, and then it is on the disk. It stays in ``incoming/`` until a value of the store names it, and
goes back there before the last such value is removed: so what is in ``incoming/`` and named by none is the rest of
something interrupted, which the next start removes, and what is in ``blobs/`` was kept and never is.
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
    from mockserver.state.memory import Change, MemoryStore

NAMED_UNDER = "blobs"  # a value of the store has the ids of its blobs in a list of this name

_SMALL = 1 << 16  # bytes; what is larger is on disk
_SMALL_IN_ALL = 1 << 26  # bytes in memory; beyond, small ones are on disk, too


class Blob(NamedTuple):
    """Bytes that are kept: under which id, how many, and their hash in hex digits."""

    id: str
    size: int
    sha256: str


class BytesGone(KeyError):
    """There are no bytes of that id: whoever named them was removed meanwhile, or somebody damaged the folder."""


class Blobs:
    """Bytes by id. Thread-safe.

    With a ``folder`` all are there, and come back at the next start. Without, large ones are in a folder for
    temporary files.
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
        """Take bytes, to be kept once they are committed, under an id of their own. A context manager."""
        return BlobWriter(self, blob_id or uuid.uuid4().hex)

    def open(self, blob_id: str) -> BinaryIO:
        """Read the bytes. Raises ``BytesGone`` when there are none of that id, ``StateFailed`` of the disk."""
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
        """Return whether there are bytes of that id."""
        return self.size(blob_id) is not None

    def size(self, blob_id: str) -> int | None:
        """Return how many bytes there are of that id; ``None`` for none."""
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
        """Put bytes that a value names where they stay. If that fails, the next start does it."""
        self._move(self._incoming, self._path, blob_id)

    def unsettle(self, blob_id: str) -> None:
        """Have the next start remove bytes, unless a value names them then; they are there until they are deleted."""
        self._move(self._path, self._incoming, blob_id)

    def delete(self, blob_id: str) -> None:
        """Forget the bytes; nothing happens when there are none. Who is reading them can go on.

        Unsettled ones that cannot be removed now (on Windows, while somebody reads) are removed at the next start.
        """
        with self._lock:
            self._in_memory -= len(self._memory.pop(blob_id, b""))
        if self._folder is not None and is_blob_id(blob_id):
            for path in {*self._places(blob_id)}:
                discard(path)

    def close(self) -> None:
        """Remove the temporary folder; a state folder stays, for the next server."""
        if self._folder is not None:
            self._folder.close()

    def _move(self, source: Callable[[str], Path], target: Callable[[str], Path], blob_id: str) -> None:
        if self._folder is not None and is_blob_id(blob_id) and blob_id not in self._memory:
            with contextlib.suppress(OSError):
                source(blob_id).replace(target(blob_id))

    def _places(self, blob_id: str) -> tuple[Path, ...]:
        """Return where the bytes may be; the first place twice, because they may be moved there meanwhile."""
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
        """Return where a blob is while no value names it."""
        return self._on_disk().path / INCOMING / blob_id

    def failed(self, error: OSError | StateFolderError) -> StateFailed:
        """Return what to raise where bytes cannot be written."""
        if isinstance(error, StateFolderError):  # the folder for temporary files
            return StateFailed(str(error))
        place = self._folder.path if self._folder else "The folder for temporary files"
        return self.troubles.failed(place, error)

    def _keep_in_memory(self, blob_id: str, content: bytes) -> bool:
        """Keep a small blob, or raise that there is no room."""
        with self._lock:
            if self._keeps or self._in_memory + len(content) > _SMALL_IN_ALL:
                return False
            self._in_memory += len(content)
            self._memory[blob_id] = content
            return True


class BlobWriter:
    """Takes the bytes of one blob; without a ``commit`` nothing of them stays. For one thread."""

    def __init__(self, blobs: Blobs, blob_id: str) -> None:
        self._blobs = blobs
        self._id = blob_id
        self._hash = hashlib.sha256()
        self._small: bytearray | None = bytearray()
        self._file: BinaryIO | None = None
        self.size = 0

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of what was written, in hex."""
        return self._hash.hexdigest()

    def write(self, piece: bytes | memoryview) -> None:
        """Add bytes. Raises ``StateFailed`` where the disk takes no more."""
        self._hash.update(piece)
        self.size += len(piece)
        if self._small is not None:
            if self.size <= _SMALL:
                self._small += piece
                return
            self._spill()
        self._try(lambda file: file.write(piece))

    def commit(self) -> Blob:
        """Keep what was written, from now on. Raises ``StateFailed``."""
        if self._small is not None and not self._blobs._keep_in_memory(self._id, bytes(self._small)):
            self._spill()
        if self._file is not None:
            self._try(self._finish)
            self._file = None
        return Blob(self._id, self.size, self.sha256)

    def __enter__(self) -> BlobWriter:
        return self

    def __exit__(self, *_: object) -> None:
        """Forget what was written, unless it was committed."""
        self._small = None
        if self._file is not None:
            with contextlib.suppress(OSError):  # of what could not be written before
                self._file.close()
            self._file = None
            discard(self._blobs._incoming(self._id))

    def _spill(self) -> None:
        """Move what is in memory to the disk."""
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
    """Counts by how many values of the store a blob is named, and deletes it when there is none left."""

    def __init__(
        self,
        blobs: Blobs,
        write: Callable[[Sequence[Change]], None] = lambda _: None,
        values: Iterable[dict[str, Any]] = (),
    ) -> None:
        """Count the blobs of ``values``, those that the store has at first; ``write`` has further ones on disk."""
        self._blobs = blobs
        self._write = write
        self._counts = _names(values)

    def follow(self, store: MemoryStore) -> None:
        """Keep the bytes that the values of ``store`` name, from now on."""
        store.persist(self.persist)
        store.listen(self.release)

    def persist(self, changes: Sequence[Change]) -> None:
        """Have changes of the store be on disk, its bytes with them. Raises what ``write`` raises."""
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
        """Delete the bytes that no value names any more, once nobody sees the values that did."""
        for blob_id in _names(change.before for change in changes):
            if self._counts[blob_id] <= 0:
                del self._counts[blob_id]
                self._blobs.delete(blob_id)

    def _unnamed_after(self, changes: Sequence[Change]) -> list[str]:
        """Return the ids of the blobs that no value names after the changes, but one did before or in between."""
        left = _names(change.before for change in changes)
        named = _names(change.after for change in changes)
        return [each for each in left if self._counts[each] + named[each] - left[each] <= 0]


def _names(values: Iterable[dict[str, Any] | None]) -> Counter[str]:
    """Count how often blobs are named in values."""
    return Counter(blob_id for value in values for blob_id in named_in(value))


def _make_folders(folder: Folder) -> None:
    for name in (BLOBS, INCOMING):
        folder.folder(name)


def _without_links(path: str, flags: int) -> int:
    """Open a file, but not through a symbolic link. An opener for ``open``."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0))


def named_in(value: dict[str, Any] | None) -> Iterable[str]:
    """Return the ids of the blobs that a value of the store names."""
    ids: Iterable[str] = (value or {}).get(NAMED_UNDER, ())
    return ids
