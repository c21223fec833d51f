"""The log of changes in memory, for several copies in one process."""

from __future__ import annotations

import threading


class MemoryChanges:
    """The changes and their snapshot (``replicas.Changes``)."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._changes: list[bytes] = []
        self._dropped = 0  # changes that the snapshot replaces
        self._snapshot: tuple[int, bytes] | None = None

    def append(self, change: bytes) -> int:
        """Append a change, and return its number."""
        with self._changed:
            self._changes.append(change)
            self._changed.notify_all()
            return self.latest()

    def latest(self) -> int:
        """Return the number of the latest change; 0 if there is none."""
        return self._dropped + len(self._changes)

    def after(self, number: int) -> list[tuple[int, bytes]] | None:
        """Return the changes after ``number`` with their numbers; ``None`` if some of them were dropped."""
        with self._changed:
            if number < self._dropped:
                return None
            left = self._changes[number - self._dropped :]
            return list(enumerate(left, number + 1))

    def snapshot(self) -> tuple[int, bytes] | None:
        """Return the latest snapshot, and the number of the last change that it includes; ``None`` without one."""
        return self._snapshot

    def compact(self, number: int, snapshot: bytes) -> None:
        """Replace the changes up to ``number`` by a snapshot, unless there is a later one."""
        with self._changed:
            if number > self._dropped:
                self._changes = self._changes[number - self._dropped :]
                self._dropped, self._snapshot = number, (number, snapshot)

    def wait(self, number: int, seconds: float) -> None:
        """Wait until there is a change after ``number``, or for ``seconds``."""
        with self._changed:
            self._changed.wait_for(lambda: self.latest() != number, seconds)
