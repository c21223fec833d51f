"""The blobs in a state folder that no value names yet: each process has a folder for its own in ``incoming/``.

The process has its folder locked as long as it runs, so others know which folders were left behind.
"""

from __future__ import annotations

import contextlib
import uuid
from typing import TYPE_CHECKING

from mockserver.state.disk import discard, private_folder
from mockserver.state.file_lock import FileLock, is_locked
from mockserver.state.layout import LOCK, folders_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Arrivals:
    """A new folder for the blobs of this process that no value names yet."""

    def __init__(self, incoming: Path) -> None:
        """Create the folder in ``incoming``, while no process looks for those left behind. Raises ``OSError``."""
        self.path = private_folder(incoming / uuid.uuid4().hex)
        self._lock = FileLock(self.path / LOCK)

    def close(self) -> None:
        """Unlock the folder, and remove it unless it has blobs."""
        self._lock.release()
        remove_empty(self.path)


def left_behind(incoming: Path) -> Iterator[Path]:
    """Yield the folders of processes that have ended."""
    for folder in folders_in(incoming):
        if not is_locked(folder / LOCK):
            yield folder


def remove_empty(folder: Path) -> None:
    """Remove a folder of an ended process, unless it has blobs or foreign files."""
    with contextlib.suppress(OSError):
        if {path.name for path in folder.iterdir()} <= {LOCK}:
            discard(folder / LOCK)
            folder.rmdir()
