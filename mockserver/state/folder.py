"""State folders, locked while a server runs, and temporary folders, removed when it stops."""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from pathlib import Path

from mockserver.state.disk import discard, private_folder, sync, tighten
from mockserver.state.file_lock import FileLock, FileLocked, is_locked
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


class StateFolderInUse(StateFolderError):
    """The folder is locked by another server."""


class Folder:
    """A locked state folder with its marker. The system releases the lock when the process ends.

    ``is_alone`` is ``True`` if no other process had the folder when it was opened.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        """Create the folder if necessary, and lock it. Raises ``StateFolderError`` without changing anything.

        A folder that is not empty must have the marker, or be one of an earlier version. Processes that open it as
        ``shared`` can have it at the same time.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            private_folder(path)
            check_is_ours(path)
            self._lock = FileLock(path / LOCK, shared=shared)
        except FileLocked as error:
            raise StateFolderInUse(
                f"state: another server is using {path}. Stop that server, or name another folder."
            ) from error
        except OSError as error:
            raise unusable(path, error) from error
        self.is_alone = self._lock.is_alone
        try:
            self._make_ours()
        except OSError as error:
            self._lock.release()
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
        self._lock.release()


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
    return is_locked(path / LOCK)


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
