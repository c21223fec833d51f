"""Leases in an SQLite database."""

from __future__ import annotations

import os
import time
import uuid
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.sqlite.database import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS leases (
    name TEXT PRIMARY KEY, holder TEXT NOT NULL, ends REAL NOT NULL
) WITHOUT ROWID
"""
_BY_END = "CREATE INDEX IF NOT EXISTS leases_by_end ON leases (ends)"
_REMOVE_ENDED = "DELETE FROM leases WHERE ends <= ?"
_ACQUIRE = """
INSERT INTO leases VALUES (:name, :holder, :ends)
ON CONFLICT DO UPDATE SET ends = :ends WHERE holder = :holder
"""


class SqliteLeases:
    """Who does which work (``protocols.Leases``), by the time of the machine, which its processes share."""

    def __init__(self, database: Database, *, time_of_day: Callable[[], float] = time.time) -> None:
        self._database = database
        self._now = time_of_day
        self._id = uuid.uuid4().hex
        database.create(_TABLE, _BY_END)

    @property
    def _holder(self) -> str:
        """Return the name of this process, which differs from that of one that it forks."""
        return f"{os.getpid()}-{self._id}"

    def acquire(self, name: str, seconds: float) -> bool:
        """Take the lease of ``name``, or extend it, for ``seconds``. Return ``False`` if another process has it."""
        now = self._now()
        with self._database.transaction() as cursor:
            cursor.execute(_REMOVE_ENDED, (now,))  # also those of processes that were killed
            values = {"name": name, "holder": self._holder, "ends": now + seconds}
            return cursor.execute(_ACQUIRE, values).rowcount > 0

    def release(self, name: str) -> None:
        """Give up the lease of ``name``, if this process has it."""
        with self._database.transaction() as cursor:
            cursor.execute("DELETE FROM leases WHERE name = ? AND holder = ?", (name, self._holder))

    def is_held(self, name: str) -> bool:
        """Return whether any process has the lease of ``name``."""
        query = "SELECT 1 FROM leases WHERE name = ? AND ends > ?"
        return self._database.row(query, (name, self._now())) is not None
