"""The tables of the documents, and the changes of their rows in a transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from mockserver.state.blobs import named_in
from mockserver.state.protocols import Change

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from mockserver.state.protocols import Value
    from mockserver.state.sqlite.value_cache import ValueCache

_MAX_REMOVALS = 10_000  # versions for which removals are kept, for processes that follow the changes

TABLES = (
    """
    CREATE TABLE IF NOT EXISTS documents (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        account TEXT NOT NULL,
        key TEXT NOT NULL,
        version INTEGER NOT NULL,
        size INTEGER NOT NULL,
        value BLOB NOT NULL,
        UNIQUE (kind, account, key)
    )
    """,
    "CREATE INDEX IF NOT EXISTS documents_of_room ON documents (kind, account, place)",
    "CREATE INDEX IF NOT EXISTS documents_by_version ON documents (version)",
    """
    CREATE TABLE IF NOT EXISTS rooms (
        kind TEXT NOT NULL,
        account TEXT NOT NULL,
        entries INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        PRIMARY KEY (kind, account)
    ) WITHOUT ROWID
    """,
    "CREATE TABLE IF NOT EXISTS versions (one INTEGER PRIMARY KEY CHECK (one = 1), latest INTEGER NOT NULL)",
    "INSERT OR IGNORE INTO versions VALUES (1, 0)",
    """
    CREATE TABLE IF NOT EXISTS removals (
        version INTEGER NOT NULL, kind TEXT NOT NULL, account TEXT NOT NULL, key TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS removals_by_version ON removals (version)",
    "CREATE TABLE IF NOT EXISTS names (blob TEXT, place INTEGER, PRIMARY KEY (blob, place)) WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS names_of_document ON names (place)",
    "CREATE TABLE IF NOT EXISTS unnamed (blob TEXT PRIMARY KEY) WITHOUT ROWID",
)
_FIND = "SELECT place, version, size, value FROM documents WHERE kind = ? AND account = ? AND key = ?"
_ADD = "INSERT INTO documents (version, size, value, kind, account, key) VALUES (?, ?, ?, ?, ?, ?)"
_REPLACE = "UPDATE documents SET version = ?, size = ?, value = ? WHERE place = ?"
_COUNT = """
UPDATE rooms SET entries = entries + ?, bytes = bytes + ?, changed = ? WHERE kind = ? AND account = ?
"""
_ADD_ROOM = "INSERT INTO rooms (entries, bytes, changed, kind, account) VALUES (?, ?, ?, ?, ?)"
_END_ROOM = "DELETE FROM rooms WHERE kind = ? AND account = ? AND entries = 0"
_OLDEST = "SELECT key FROM documents WHERE kind = ? AND account = ? ORDER BY place LIMIT 1"
_MORE_ROOMS = "SELECT kind, account FROM rooms ORDER BY changed DESC LIMIT -1 OFFSET ?"
_IS_NAMED = "SELECT 1 FROM names WHERE blob = ?"


class Draft:
    """The changes of one method, in a transaction that is not committed yet."""

    def __init__(
        self, cursor: sqlite3.Cursor, cache: ValueCache, capacity: int, room_bytes: int, max_rooms: int
    ) -> None:
        self.changes: list[Change] = []
        self.named: set[str] = set()  # blobs
        self.has_unnamed = False  # blobs that are to be deleted
        self.version: int | None = None  # of the changes, if there are any
        self._cursor = cursor
        self._cache = cache
        self._capacity = capacity
        self._room_bytes = room_bytes
        self._max_rooms = max_rooms
        self._has_new_rooms = False
        self._stored: list[tuple[tuple[str, str, str], Value, int]] = []

    def get(self, kind: str, account: str, key: str) -> Value | None:
        """Return a value, or ``None``."""
        found = self._cursor.execute(_FIND, (kind, account, key)).fetchone()
        return None if found is None else self._value((kind, account, key), found[1], found[3])

    def put(self, kind: str, account: str, key: str, value: Value) -> None:
        """Store a value, and evict the oldest of its room if necessary."""
        if self.replace(kind, account, key, value) > self._room_bytes:
            self.remove(kind, account, key)
        while self._is_over_full(kind, account):
            (oldest,) = self._cursor.execute(_OLDEST, (kind, account)).fetchone()
            self.remove(kind, account, oldest)

    def replace(self, kind: str, account: str, key: str, value: Value) -> int:
        """Store a value without evicting others. Return its size in bytes."""
        stored = json.dumps(value).encode()
        name, size, before = (kind, account, key), len(stored), None
        found = self._cursor.execute(_FIND, name).fetchone()
        if found is None:
            self._cursor.execute(_ADD, (self._next_version(), size, stored, *name))
            place = self._cursor.lastrowid
            self._count(kind, account, 1, size)
        else:
            place, version, size_before, stored_before = found
            before = self._value(name, version, stored_before)
            self._cursor.execute(_REPLACE, (self._next_version(), size, stored, place))
            self._count(kind, account, 0, size - size_before)
        self._name(place, before, value)
        self.changes.append(Change(*name, before, value))
        self._stored.append((name, value, size))
        return size

    def remove(self, kind: str, account: str, key: str) -> bool:
        """Remove a value. Return whether there was one."""
        name = (kind, account, key)
        found = self._cursor.execute(_FIND, name).fetchone()
        if found is None:
            return False
        place, version, size, stored = found
        before = self._value(name, version, stored)
        self._cursor.execute("DELETE FROM documents WHERE place = ?", (place,))
        self._cursor.execute("INSERT INTO removals VALUES (?, ?, ?, ?)", (self._next_version(), *name))
        self._count(kind, account, -1, -size)
        self._name(place, before, {})
        self.changes.append(Change(*name, before, None))
        return True

    def forget(self, place: int) -> None:
        """Remove the value at a place without reading it. Its blobs are kept."""
        query = "SELECT kind, account, size FROM documents WHERE place = ?"
        kind, account, size = self._cursor.execute(query, (place,)).fetchone()
        self._cursor.execute("DELETE FROM documents WHERE place = ?", (place,))
        self._cursor.execute("DELETE FROM names WHERE place = ?", (place,))
        self._count(kind, account, -1, -size)

    def reset(self, account_id: str | None) -> None:
        """Remove the values of an account, or all."""
        query = "SELECT kind, account, key FROM documents WHERE account = ?1 OR ?1 IS NULL ORDER BY place"
        for name in self._cursor.execute(query, (account_id,)).fetchall():
            self.remove(*name)

    def end(self) -> None:
        """Evict rooms if there are too many, and forget what nobody needs. Call it before the commit."""
        if self._has_new_rooms:
            query = "SELECT key FROM documents WHERE kind = ? AND account = ? ORDER BY place"
            for kind, account in self._cursor.execute(_MORE_ROOMS, (self._max_rooms,)).fetchall():
                for (key,) in self._cursor.execute(query, (kind, account)).fetchall():
                    self.remove(kind, account, key)
        if self.version is not None:
            oldest = self.version - _MAX_REMOVALS
            self._cursor.execute("DELETE FROM removals WHERE version < ?", (oldest,))

    def cache(self) -> None:
        """Cache the values that were stored. Call it after the commit."""
        assert self.version is not None or not self._stored
        for name, value, size in self._stored:
            self._cache.put(name, self.version or 0, value, size)

    def _value(self, name: tuple[str, str, str], version: int, stored: bytes) -> Value:
        """Return the value of a row, which can be of this draft, and must not be cached then."""
        if version == self.version:
            value: Value = json.loads(stored)
            return value
        return self._cache.read(name, version, stored)

    def _is_over_full(self, kind: str, account: str) -> bool:
        query = "SELECT entries > ? OR bytes > ? FROM rooms WHERE kind = ? AND account = ?"
        values = (self._capacity, self._room_bytes, kind, account)
        found = self._cursor.execute(query, values).fetchone()
        return bool(found and found[0])

    def _next_version(self) -> int:
        """Return the version of the changes of this draft."""
        if self.version is None:
            self._cursor.execute("UPDATE versions SET latest = latest + 1")
            (self.version,) = self._cursor.execute("SELECT latest FROM versions").fetchone()
        assert self.version is not None
        return self.version

    def _count(self, kind: str, account: str, entries: int, size: int) -> None:
        values = (entries, size, self._next_version(), kind, account)
        if not self._cursor.execute(_COUNT, values).rowcount:
            self._cursor.execute(_ADD_ROOM, values)
            self._has_new_rooms = True
        elif entries < 0:
            self._cursor.execute(_END_ROOM, (kind, account))

    def _name(self, place: int | None, before: Value | None, after: Value) -> None:
        """Note which blobs a value names, and those that no value names any more."""
        old, new = set(named_in(before)), set(named_in(after))
        self._cursor.executemany("DELETE FROM names WHERE blob = ? AND place = ?", _pairs(old - new, place))
        self._cursor.executemany("INSERT INTO names VALUES (?, ?)", _pairs(new - old, place))
        self.named |= new - old
        for blob_id in old - new:
            if not self._cursor.execute(_IS_NAMED, (blob_id,)).fetchone():
                self._cursor.execute("INSERT OR IGNORE INTO unnamed VALUES (?)", (blob_id,))
                self.has_unnamed = True


def _pairs(blob_ids: Iterable[str], place: int | None) -> list[tuple[str, int | None]]:
    return [(blob_id, place) for blob_id in blob_ids]
