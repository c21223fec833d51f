"""A folder that one server has for itself: locked while it runs, or made for it and removed at its end."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import weakref
from pathlib import Path

_LOCK = "lock"  # the name of the file whose lock says that a server is using the folder
_TEMPORARY = "mockserver-blobs-"


class StateFolderError(Exception):
    """A state folder cannot be used. The message names the folder and the remedy."""


class StateFolderInUse(StateFolderError):
    """Another server uses the folder."""


class StateFailed(Exception):
    """Something could not be written to the state folder, or read from it."""


class Folder:
    """A locked folder. The lock goes with the process that holds it, however that ends."""

    def __init__(self, path: Path) -> None:
        """Makes the folder if need be and locks it. Raises ``StateFolderError``."""
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StateFolderError(
                f"state: {path} cannot be used as a folder ({error.strerror}). Name one that can be written to."
            ) from error
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise StateFolderInUse(
                f"state: another server is using {path}. End that one, or name another folder."
            ) from error
        self._unlock = weakref.finalize(self, os.close, descriptor)

    def folder(self, name: str) -> Path:
        """A folder inside, which is there."""
        path = self.path / name
        path.mkdir(exist_ok=True)
        return path

    def close(self) -> None:
        """Lets another server have the folder."""
        self._unlock()


class TemporaryFolder(Folder):
    """One that is removed at the end: when it is closed, else when the process ends in good order."""

    def __init__(self) -> None:
        """Makes the folder, and removes those of processes that ended otherwise."""
        _sweep()
        super().__init__(Path(tempfile.mkdtemp(prefix=_TEMPORARY)))
        self._remove = weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)

    def close(self) -> None:
        """Removes the folder."""
        super().close()
        self._remove()


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that is either there as a whole or as it was before, also after a loss of power."""
    partial = path.with_suffix(".tmp")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _sweep() -> None:
    """Removes the temporary folders that no process holds any more."""
    for path in Path(tempfile.gettempdir()).glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(OSError):
            descriptor = os.open(path / _LOCK, os.O_RDWR)
            try:
                _lock(descriptor)
            finally:
                os.close(descriptor)
            shutil.rmtree(path, ignore_errors=True)


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        """Locks an open file or raises ``OSError``."""
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        """Locks an open file or raises ``OSError``."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
