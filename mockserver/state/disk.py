"""Files that only their owner may read, and that are there as a whole or not at all, also after a loss of power."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import stat
import threading
import time
from pathlib import Path
from typing import BinaryIO

log = logging.getLogger(__name__)

PARTIAL = ".tmp"  # the suffix of a file that is being written
DAMAGED = "damaged"  # the folder beside files in which those are that cannot be used

_FOLDER_MODE, _FILE_MODE = 0o700, 0o600
_WRITING = (
    os.O_WRONLY
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)  # a link would lead to files that are not ours
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_REMEDIES = {
    **dict.fromkeys(_NO_ROOM, "Free some space there"),
    errno.EROFS: "Mount it so that it can be written to",
    errno.EACCES: "Let this user write there",
    errno.EPERM: "Let this user write there",
    errno.EIO: "Look whether the disk is broken",
    errno.EMFILE: "Raise the limit of open files (ulimit -n)",
}
_QUIET = 60.0  # seconds in which the same trouble is not logged again


class StateFailed(Exception):
    """Something could not be written to the disk, or read from it. Nothing of it is kept.

    ``reason`` is the system's message; ``no_room`` is whether there is no space left.
    """

    def __init__(self, message: str, reason: str = "", *, no_room: bool = False) -> None:
        super().__init__(message)
        self.reason = reason or message
        self.no_room = no_room


class Troubles:
    """Logs why the disk fails and what to do; the same message once a minute at most. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._told: dict[int | None, float] = {}

    def failed(self, path: Path | str, error: OSError, verb: str = "written") -> StateFailed:
        """Return what to raise for an ``error`` with ``path``; it is in the log then."""
        reason = error.strerror or str(error)
        message = f"{path} cannot be {verb}: {reason}"
        with self._lock:
            now = time.monotonic()
            is_told = now - self._told.get(error.errno, -_QUIET) < _QUIET
            if not is_told:
                self._told[error.errno] = now
        if not is_told:
            remedy = _REMEDIES.get(error.errno or 0, "See to it")
            log.error("%s. %s, or start the server with another state folder.", message, remedy)
        return StateFailed(message, reason, no_room=error.errno in _NO_ROOM)


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner can read, unless it exists, and return it."""
    with contextlib.suppress(FileExistsError):
        path.mkdir(_FOLDER_MODE)
        path.chmod(_FOLDER_MODE)  # whatever the umask takes away
        sync(path.parent)
    return path


def private_file(path: Path, *, new: bool = False) -> BinaryIO:
    """Open a file for writing that only its owner can read, and truncate it. A ``new`` one must not exist."""
    descriptor = os.open(path, _WRITING | (os.O_EXCL if new else os.O_TRUNC), _FILE_MODE)
    if hasattr(os, "fchmod"):
        os.fchmod(descriptor, _FILE_MODE)
    return os.fdopen(descriptor, "wb")


def tighten(path: Path) -> None:
    """Let only the owner read and write a file or folder. Does nothing where it belongs to another user."""
    mode = _FOLDER_MODE if path.is_dir() else _FILE_MODE
    with contextlib.suppress(OSError):
        if stat.S_IMODE(path.lstat().st_mode) != mode:
            path.chmod(mode)


def stage(path: Path, content: bytes) -> Path:
    """Write what ``path`` is to hold beside it, down to the disk; ``settle`` puts it in place."""
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
    """Write what is buffered to the disk itself (fsync)."""
    file.flush()
    os.fsync(file.fileno())


def sync(folder: Path) -> None:
    """Write the entries of a folder to the disk itself: what was made, renamed and removed in it (fsync)."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # Windows, or a folder that may be written to but not read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # a file system that has no such thing
            raise
    finally:
        os.close(descriptor)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file atomically: after a crash it is complete, or as it was before."""
    stage(path, content).replace(path)
    sync(path.parent)


def discard(path: Path) -> None:
    """Remove a file that is not needed. If that fails, the next start of the server removes it."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def set_aside(path: Path) -> Path:
    """Move a file to the folder ``damaged`` beside it, where nothing is ever replaced. Return where it is then."""
    folder = private_folder(path.parent / DAMAGED)
    number, target = 0, folder / path.name
    while os.path.lexists(target):
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    path.rename(target)
    sync(folder)
    sync(path.parent)
    return target
