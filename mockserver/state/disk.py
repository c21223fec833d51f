"""Writes files atomically and durably, readable only for their owner."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import tempfile
import threading
import time
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)

PARTIAL = ".tmp"  # suffix of a file that is being written
DAMAGED = "damaged"  # name of the folder, beside the files, for unusable ones

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_WRITING = (
    os.O_WRONLY
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)  # a link could lead to foreign files
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REMEDIES = {
    **dict.fromkeys(_NO_ROOM, "Free some space there"),
    errno.EROFS: "Mount it writable",
    errno.EACCES: "Allow this user to write there",
    errno.EPERM: "Allow this user to write there",
    errno.EIO: "Check the disk",
    errno.EMFILE: "Raise the limit of open files (ulimit -n)",
}
_QUIET = 60.0  # seconds during which the same error is not logged again


class StateFailed(Exception):
    """Writing to the disk or reading from it failed. Nothing of the change is kept.

    ``reason`` is the system's message; ``no_room`` is ``True`` if no space is left.
    """

    def __init__(self, message: str, reason: str = "", *, no_room: bool = False) -> None:
        super().__init__(message)
        self.reason = reason or message
        self.no_room = no_room


class StoreUnreachable(StateFailed):
    """The store that the processes share cannot be reached. Later it may be."""


def no_room_in(folder: Path) -> OSError | None:
    """Return the error if no file in a folder can grow, else ``None``."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(bytes(1 << 12))
            file.flush()
    except OSError as error:
        return error if error.errno in _NO_ROOM else None
    return None


class Troubles:
    """The log of disk errors with their remedies; each error at most once a minute. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._logged: dict[int | None, float] = {}

    def failed(self, path: Path | str, error: OSError, verb: str = "written") -> StateFailed:
        """Log an ``error`` with ``path``, and return the exception to raise for it."""
        reason = error.strerror or str(error)
        message = f"{path} cannot be {verb}: {reason}"
        with self._lock:
            now = time.monotonic()
            is_new = now - self._logged.get(error.errno, -_QUIET) >= _QUIET
            if is_new:
                self._logged[error.errno] = now
        if is_new:
            remedy = _REMEDIES.get(error.errno or 0, "Check it")
            log.error("%s. %s, or start the server with another place for its state.", message, remedy)
        return StateFailed(message, reason, no_room=error.errno in _NO_ROOM)


def private_folder(path: Path) -> Path:
    """Create a folder that only its owner can read, unless it exists, and return it."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(_FOLDER_MODE)
        path.chmod(_FOLDER_MODE)  # regardless of the umask
        sync(path.parent)
    return path


def private_file(path: Path, *, new: bool = False) -> BinaryIO:
    """Open and truncate a file that only its owner can read. A ``new`` one must not exist."""
    descriptor = os.open(path, _WRITING | (os.O_EXCL if new else os.O_TRUNC), _FILE_MODE)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, _FILE_MODE)
    return os.fdopen(descriptor, "wb")


def tighten(path: Path) -> None:
    """Restrict a file or folder to its owner. Does nothing if it belongs to another user."""
    mode = _FOLDER_MODE if path.is_dir() else _FILE_MODE
    with contextlib.suppress(OSError):
        if stat.S_IMODE(path.lstat().st_mode) != mode:
            path.chmod(mode)


def stage(path: Path, content: bytes) -> Path:
    """Write the future content of ``path`` to a file beside it, with fsync, and return that. The caller renames it."""
    partial = path.with_suffix(PARTIAL)
    try:
        with private_file(partial) as file:
            file.write(content)
            flush(file)
    except OSError:
        discard(partial)
        raise
    return partial


def flush(file: BinaryIO) -> None:
    """Write the buffers of a file to the disk (fsync)."""
    file.flush()
    os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Write the entries of a folder to the disk (fsync): files created, renamed and removed in it."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows, or a folder that may be written to but not read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system without fsync of folders
            raise
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically: after a crash it has either its new or its old content."""
    stage(path, content).replace(path)
    sync(path.parent)


def discard(path: Path) -> None:
    """Remove a file that is not needed. Errors are ignored: the next start of the server removes it."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Move a file to the folder ``damaged`` beside it, where no file is replaced. Return its new path."""
    folder = private_folder(path.parent / DAMAGED)
    number, target = 0, folder / path.name
    while os.path.lexists(target):
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    path.rename(target)
    sync(folder)
    sync(path.parent)
    return target
