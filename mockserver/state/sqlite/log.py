"""Logs in an SQLite database, each in a table of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.state.protocols import LogEntry, LogState

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from mockserver.state.protocols import Bounds
    from mockserver.state.sqlite.database import Database

_LOOK = 0.01  # seconds between two looks of a thread that waits; a look takes about 10 microseconds

_LOGS = """
CREATE TABLE IF NOT EXISTS logs (
    name TEXT PRIMARY KEY, version INTEGER NOT NULL, deletions INTEGER NOT NULL, next INTEGER NOT NULL,
    entries INTEGER NOT NULL, bytes INTEGER NOT NULL, dropped INTEGER NOT NULL
) WITHOUT ROWID
"""
# The data come last, so that they are not read for the other columns.
_TABLE = """
CREATE TABLE IF NOT EXISTS {table} (
    place INTEGER PRIMARY KEY, version INTEGER NOT NULL, id TEXT NOT NULL, account TEXT, owner TEXT NOT NULL,
    data BLOB NOT NULL
)
"""
_VERSIONS = "CREATE INDEX IF NOT EXISTS {table}_versions ON {table} (version)"
_NEW = "INSERT OR IGNORE INTO logs VALUES (?, 0, ?, 0, 0, 0, 0)"
_STATE = """
SELECT version, deletions,
    coalesce((SELECT min(place) FROM {table}), next), coalesce((SELECT max(place) FROM {table}), next - 1),
    entries, bytes, dropped
FROM logs WHERE name = ?
"""
_NUMBERS = "SELECT version, deletions, next, entries, bytes, dropped FROM logs WHERE name = ?"
_CHANGE = """
UPDATE logs SET version = ?, deletions = ?, next = ?, entries = ?, bytes = ?, dropped = ? WHERE name = ?
"""
_INSERT = "INSERT INTO {table} (place, version, id, account, owner, data) VALUES (?, ?, ?, ?, ?, ?)"
_REPLACE = "UPDATE {table} SET version = ?, owner = ?, data = ? WHERE place = ?"
_LENGTH = "SELECT length(data) FROM {table} WHERE place = ?"
_DROP = "DELETE FROM {table} WHERE place = (SELECT min(place) FROM {table}) RETURNING length(data)"
_OF_ACCOUNT = "FROM {table} WHERE (:account IS NULL OR account = :account)"
_LENGTHS = "SELECT count(*), coalesce(sum(length(data)), 0) " + _OF_ACCOUNT
_DELETE = "DELETE " + _OF_ACCOUNT
_FOUND = "SELECT place, id, account, data, owner " + _OF_ACCOUNT
_FIND = _FOUND + " AND id = :id ORDER BY place DESC LIMIT 1"


class _Numbers(msgspec.Struct):
    """The numbers of a log, as in its row."""

    version: int
    deletions: int
    next: int
    entries: int
    bytes: int
    dropped: int


class SqliteLog:
    """The log with a name in a database (``protocols.Log``)."""

    def __init__(self, database: Database, name: str, bounds: Bounds) -> None:
        """Open the log. Its ``name`` consists of letters and ``_``."""
        self._database = database
        self._name = name
        self._table = f"log_{name}"
        self._bounds = bounds
        self._insert, self._drop = self._of_table(_INSERT), self._of_table(_DROP)
        database.create(_LOGS, self._of_table(_TABLE), self._of_table(_VERSIONS))
        with database.transaction() as cursor:
            cursor.execute(_NEW, (name, time.time_ns() // 1_000))

    def append(self, entry_id: str, account_id: str | None, data: bytes, owner: str = "") -> int:
        """Append an entry. Return its place."""
        with self._database.transaction() as cursor:
            numbers = self._changed(cursor)
            place = numbers.next
            numbers.next += 1
            numbers.entries += 1
            numbers.bytes += self._size(len(data))
            cursor.execute(self._insert, (place, numbers.version, entry_id, account_id, owner, data))
            self._end(cursor, numbers)
            return place

    def replace(self, place: int, data: bytes, owner: str = "") -> None:
        """Replace the data and the owner of the entry at a place, if it is still there."""
        with self._database.transaction() as cursor:
            found = cursor.execute(self._of_table(_LENGTH), (place,)).fetchone()
            if found:
                numbers = self._changed(cursor)
                numbers.bytes += len(data) - found[0]
                cursor.execute(self._of_table(_REPLACE), (numbers.version, owner, data, place))
                self._end(cursor, numbers)

    def find(self, account_id: str | None, entry_id: str) -> LogEntry | None:
        """Return the latest entry of an account with an id, or ``None``."""
        row = self._database.row(self._of_table(_FIND), {"account": account_id, "id": entry_id})
        return LogEntry(*row) if row else None

    def entries(
        self,
        account_id: str | None,
        *,
        after: int | None = None,
        before: int | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> list[LogEntry]:
        """Return the entries of an account between two places, oldest first; at most the first or last ones."""
        values = {"account": account_id, "after": after, "before": before}
        conditions = {"after": " AND place > :after", "before": " AND place < :before"}
        query = _FOUND + "".join(each for name, each in conditions.items() if values[name] is not None)
        return self._found(query, values, first, last)

    def changed(
        self, account_id: str | None, since: int, *, until: int | None = None, last: int | None = None
    ) -> list[LogEntry]:
        """Return the entries of an account that have changed since a version, oldest first; at most the last ones."""
        query = _FOUND + " AND version > :since" + ("" if until is None else " AND version <= :until")
        return self._found(query, {"account": account_id, "since": since, "until": until}, None, last)

    def state(self) -> LogState:
        """Return the numbers of the log."""
        return LogState(*self._row(_STATE))

    def wait(self, version: int, seconds: float) -> None:
        """Wait until the version is another than ``version``, or for ``seconds``."""
        end = time.monotonic() + seconds
        while self._version() == version and (left := end - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK))

    def delete(self, account_id: str | None) -> int:
        """Delete the entries of an account. Return how many there were."""
        with self._database.transaction() as cursor:
            numbers = self._changed(cursor)
            deleted = self._delete(cursor, numbers, account_id)
            self._end(cursor, numbers)
            return deleted

    def restore(self, entries: Sequence[tuple[str, str | None, bytes]], account_id: str | None) -> None:
        """Replace the entries of an account by these, which take places before those of other accounts."""
        with self._database.transaction() as cursor:
            numbers = self._changed(cursor)
            self._delete(cursor, numbers, account_id)
            first = cursor.execute(self._of_table(_STATE), (self._name,)).fetchone()[2]
            numbers.entries += len(entries)
            numbers.bytes += self._size(sum(len(data) for _, _, data in entries), len(entries))
            rows = [
                (first - len(entries) + number, numbers.version, entry_id, account, "", data)
                for number, (entry_id, account, data) in enumerate(entries)
            ]
            cursor.executemany(self._insert, rows)
            self._end(cursor, numbers)

    def _found(
        self, query: str, values: Mapping[str, Any], first: int | None, last: int | None
    ) -> list[LogEntry]:
        """Return the entries that a query finds, in order; at most the first or last ones."""
        order = "" if last is None else " DESC"
        most = -1 if first is None and last is None else first if last is None else last
        query = self._of_table(f"{query} ORDER BY place{order} LIMIT :most")
        found = [LogEntry(*row) for row in self._database.rows(query, {**values, "most": most})]
        return found if last is None else found[::-1]

    def _of_table(self, statement: str) -> str:
        return statement.format(table=self._table)

    def _size(self, length: int, entries: int = 1) -> int:
        return length + entries * self._bounds.overhead

    def _version(self) -> int:
        return int(self._row("SELECT version FROM logs WHERE name = ?")[0])

    def _row(self, query: str) -> Any:
        row = self._database.row(self._of_table(query), (self._name,))
        assert row is not None
        return row

    def _changed(self, cursor: sqlite3.Cursor) -> _Numbers:
        """Return the numbers of the log with the version of a change, for ``_end``."""
        numbers = _Numbers(*cursor.execute(_NUMBERS, (self._name,)).fetchone())
        numbers.version += 1
        return numbers

    def _end(self, cursor: sqlite3.Cursor, numbers: _Numbers) -> None:
        """Drop the oldest entries beyond the bounds, and store the numbers."""
        while numbers.entries > self._bounds.entries or numbers.bytes > self._bounds.bytes:
            (length,) = cursor.execute(self._drop).fetchone()
            numbers.entries -= 1
            numbers.bytes -= self._size(length)
            numbers.dropped += 1
        cursor.execute(_CHANGE, (*msgspec.structs.astuple(numbers), self._name))

    def _delete(self, cursor: sqlite3.Cursor, numbers: _Numbers, account_id: str | None) -> int:
        values = {"account": account_id}
        count, length = cursor.execute(self._of_table(_LENGTHS), values).fetchone()
        cursor.execute(self._of_table(_DELETE), values)
        numbers.deletions += 1
        numbers.entries -= count
        numbers.bytes -= self._size(length, count)
        if account_id is None:
            numbers.dropped = 0
        return int(count)
