"""State folders, locked while a server runs, and temporary folders, removed when it stops."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import weakref
from pathlib import Path

from mockserver.state.disk import discard, private_folder, sync, tighten
from mockserver.state.layout import (
    BLOBS,
    INCOMING,
    LOCK,
    MARKER,
    StateFolderError,
    check_is_ours,
    files_in,
    is_blob_id,
    is_marked,
    mark,
)

_TEMPORARY = "mockserver-blobs-"
_LOCK_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class StateFolderInUse(StateFolderError):
    """The folder is locked by another server."""


class Folder:
    """A locked state folder with its marker. The system releases the lock when the process ends."""

    def __init__(self, path: Path) -> None:
        """Create the folder if necessary, and lock it. Raises ``StateFolderError`` without changing anything.

        A folder that is not empty must have the marker, or be one of an earlier version.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            private_folder(path)
            check_is_ours(path)
            descriptor = os.open(path / LOCK, _LOCK_FLAGS | os.O_CREAT, 0o600)
        except OSError as error:
            raise unusable(path, error) from error
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise StateFolderInUse(
                f"state: another server is using {path}. Stop that server, or name another folder."
            ) from error
        self._unlock = weakref.finalize(self, os.close, descriptor)
        try:
            self._make_ours()
        except OSError as error:
            self._unlock()
            raise unusable(path, error) from error

    def _make_ours(self) -> None:
        if not is_marked(self.path):
            mark(self.path)
        for path in (self.path, self.path / LOCK, self.path / MARKER):
            tighten(path)
        sync(self.path)

    def folder(self, name: str) -> Path:
        """Return a subfolder, created if necessary. Raises ``OSError``."""
        return private_folder(self.path / name)

    def close(self) -> None:
        """Unlock the folder."""
        self._unlock()


class TemporaryFolder(Folder):
    """A temporary state folder, removed when it is closed or when the process exits normally."""

    def __init__(self) -> None:
        """Create the folder, and remove those of processes that were killed.

        Raises ``StateFolderError`` or ``OSError``.
        """
        _sweep()
        super().__init__(Path(tempfile.mkdtemp(prefix=_TEMPORARY)))
        self._remove = weakref.finalize(self, _remove, self.path)

    def close(self) -> None:
        """Remove the folder."""
        super().close()
        self._remove()


def is_in_use(path: Path) -> bool:
    """Return whether a server uses a state folder. Changes nothing."""
    try:
        descriptor = os.open(path / LOCK, _LOCK_FLAGS)
    except OSError:
        return False
    try:
        _lock(descriptor)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def unusable(path: Path, error: OSError) -> StateFolderError:
    """Return the exception to raise for a folder that cannot be used."""
    return StateFolderError(
        f"state: {path} cannot be used as a folder ({error.strerror}). Name a writable folder."
    )


def _sweep() -> None:
    """Remove the temporary folders of this user that no process has locked."""
    for path in Path(tempfile.gettempdir()).glob(f"{_TEMPORARY}*"):
        with contextlib.suppress(OSError, StateFolderError):
            if _is_own_folder(path) and is_marked(path) and not is_in_use(path):
                _remove(path)


def _is_own_folder(path: Path) -> bool:
    is_folder = path.is_dir() and not path.is_symlink()
    return is_folder and (os.name == "nt" or path.lstat().st_uid == os.getuid())


def _remove(path: Path) -> None:
    """Remove a temporary folder, except for files that no server writes."""
    with contextlib.suppress(OSError):
        for name in (BLOBS, INCOMING):
            for file, is_file in files_in(path / name):
                if is_file and is_blob_id(file.name):
                    discard(file)
            with contextlib.suppress(FileNotFoundError):
                (path / name).rmdir()
        for name in (MARKER, LOCK):
            discard(path / name)
        path.rmdir()


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        """Lock an open file or raise ``OSError``."""
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        """Lock an open file or raise ``OSError``."""
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
