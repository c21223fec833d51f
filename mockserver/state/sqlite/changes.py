"""The log of changes in an SQLite database.

The shared number of the database is that of the latest change, so that a request need not ask the database. While a
change is committed it is 0, and stays so if the process is killed then: until the next change, requests ask.
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.state.sqlite.database import Database

_LOOK = 0.01  # seconds between two looks of a thread that waits; a look takes less than a microsecond

_APPEND = "INSERT INTO changes (change) VALUES (?)"
_LATEST = "SELECT coalesce(max(number), 0) FROM changes"
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
        self._share_latest()

    def append(self, change: bytes) -> int:
        """Append a change, and return its number."""
        with self._database.transaction() as cursor:
            self._database.shared_number[0] = 0
            number = cursor.execute(_APPEND, (change,)).lastrowid
            assert number is not None
        with contextlib.suppress(StateFailed):  # then requests ask the database
            self._share_latest()
        return number

    def latest(self) -> int:
        """Return the number of the latest change; 0 if there is none."""
        number: int = self._database.shared_number[0]
        if not number:
            ((number,),) = self._database.rows(_LATEST)
        return number

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

    def _share_latest(self) -> None:
        """Let all processes know the number of the latest change that is committed."""
        with self._database.transaction() as cursor:
            (self._database.shared_number[0],) = cursor.execute(_LATEST).fetchone()

    def wait(self, number: int, seconds: float) -> None:
        """Wait until there is a change after ``number``, or for ``seconds``."""
        end = time.monotonic() + seconds
        while self.latest() <= number and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))
