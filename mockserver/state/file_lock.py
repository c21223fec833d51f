"""Files that a process locks as long as it runs. The system unlocks them when it ends, even if it is killed."""

from __future__ import annotations

import os
import sys
import time
import weakref
from typing import TYPE_CHECKING

from mockserver.state.disk import tighten

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_PATIENCE, _LOOK = 1.0, 0.01  # seconds to wait for a process that is taking the same shared lock


class FileLocked(Exception):
    """Another process has locked the file."""


class FileLock:
    """A lock of a file, which is created if necessary.

    A ``shared`` one can be taken by several processes; ``is_alone`` is ``True`` if no other had it before.
    """

    def __init__(self, path: Path, *, shared: bool = False) -> None:
        """Take the lock. Raises ``FileLocked`` and ``OSError``."""
        descriptor = os.open(path, _FLAGS | os.O_CREAT, 0o600)
        tighten(path)  # regardless of the umask
        try:
            self.is_alone = _try(descriptor)
            if shared:
                _share(descriptor)
            elif not self.is_alone:
                raise FileLocked(path)
        except BaseException:
            os.close(descriptor)
            raise
        self.release = weakref.finalize(self, os.close, descriptor)


def is_locked(path: Path) -> bool:
    """Return whether a process has locked a file. Changes nothing."""
    try:
        descriptor = os.open(path, _FLAGS)
    except OSError:
        return False
    try:
        return not _try(descriptor)
    finally:
        os.close(descriptor)


if sys.platform == "win32":
    import msvcrt

    def _try(descriptor: int) -> bool:
        """Lock an open file. Return ``False`` if another process has locked it."""
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _share(descriptor: int) -> None:
        """Unlock the file: Windows has no shared locks that Python can take."""
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)
else:
    import fcntl

    def _try(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
        """Lock an open file. Return ``False`` if another process has locked it."""
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _share(descriptor: int) -> None:
        """Take the lock as a shared one, or raise ``FileLocked``."""
        end = time.monotonic() + _PATIENCE
        while not _try(descriptor, fcntl.LOCK_SH):
            if time.monotonic() > end:
                raise FileLocked
            time.sleep(_LOOK)
