"""The log of changes in an SQLite database."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.state.sqlite.database import Database

_LOOK = 0.01  # seconds between two looks of a thread that waits; a look takes about 10 microseconds

_CHANGES = "CREATE TABLE IF NOT EXISTS changes (number INTEGER PRIMARY KEY, change BLOB NOT NULL)"
_SNAPSHOT = """
CREATE TABLE IF NOT EXISTS snapshot (
    one INTEGER PRIMARY KEY CHECK (one = 1), number INTEGER NOT NULL, snapshot BLOB NOT NULL
)
"""
_COMPACTED = """
INSERT INTO snapshot VALUES (1, ?, ?)
ON CONFLICT DO UPDATE SET number = excluded.number, snapshot = excluded.snapshot
WHERE excluded.number > snapshot.number
"""


class SqliteChanges:
    """The log of the changes, which all processes share (``replicas.Changes``). The latest change is always kept."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_CHANGES, _SNAPSHOT)

    def append(self, change: bytes) -> int:
        """Append a change, and return its number."""
        with self._database.transaction() as cursor:
            cursor.execute("INSERT INTO changes (change) VALUES (?)", (change,))
            assert cursor.lastrowid is not None
            return cursor.lastrowid

    def latest(self) -> int:
        """Return the number of the latest change; 0 if there is none."""
        (number,) = self._database.row("SELECT max(number) FROM changes") or (0,)
        return number or 0

    def after(self, number: int) -> list[tuple[int, bytes]] | None:
        """Return the changes after ``number`` with their numbers; ``None`` if some of them were dropped."""
        query = "SELECT number, change FROM changes WHERE number > ? ORDER BY number"
        found = self._database.rows(query, (number,))
        return None if found and found[0][0] != number + 1 else found

    def snapshot(self) -> tuple[int, bytes] | None:
        """Return the latest snapshot, and the number of the last change that it includes; ``None`` without one."""
        return self._database.row("SELECT number, snapshot FROM snapshot")

    def compact(self, number: int, snapshot: bytes) -> None:
        """Replace the changes up to ``number`` by a snapshot. Does nothing if there is a later one."""
        with self._database.transaction() as cursor:
            cursor.execute(_COMPACTED, (number, snapshot))
            if cursor.rowcount:
                cursor.execute(
                    "DELETE FROM changes WHERE number <= ? AND number < (SELECT max(number) FROM changes)",
                    (number,),
                )

    def wait(self, number: int, seconds: float) -> None:
        """Wait until there is a change after ``number``, or for ``seconds``."""
        end = time.monotonic() + seconds
        while self.latest() <= number and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))
