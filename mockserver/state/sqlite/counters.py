"""Counters in an SQLite database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.state.memory.counters import MAX_ACCOUNTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.protocols import T, Value
    from mockserver.state.sqlite.database import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS counters (
    kind TEXT NOT NULL,
    account TEXT NOT NULL,
    value BLOB NOT NULL,
    changed INTEGER NOT NULL,
    PRIMARY KEY (kind, account)
) WITHOUT ROWID
"""
_ORDER = "CREATE UNIQUE INDEX IF NOT EXISTS counters_by_change ON counters (kind, changed)"
_GET = "SELECT value FROM counters WHERE kind = ? AND account = ?"
_FIND = """
SELECT value, changed = (SELECT max(changed) FROM counters WHERE kind = ?1)
FROM counters WHERE kind = ?1 AND account = ?2
"""
_PUT = """
INSERT INTO counters VALUES (?1, ?2, ?3, coalesce((SELECT max(changed) FROM counters WHERE kind = ?1), 0) + 1)
ON CONFLICT DO UPDATE SET value = excluded.value, changed = excluded.changed RETURNING changed
"""
_REPLACE = "UPDATE counters SET value = ?3 WHERE kind = ?1 AND account = ?2"  # writes no index
_REMOVE = "DELETE FROM counters WHERE kind = ? AND account = ?"
_EVICT = """
DELETE FROM counters WHERE kind = ?1 AND changed <= (
    SELECT changed FROM counters WHERE kind = ?1 ORDER BY changed DESC LIMIT 1 OFFSET ?2
)
"""
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_encode = msgspec.json.Encoder().encode


class SqliteCounters:
    """Small JSON objects by kind and account (``protocols.Counters``)."""

    def __init__(self, database: Database, *, max_accounts: int = MAX_ACCOUNTS) -> None:
        self._database = database
        self._max_accounts = max_accounts
        self._sweeps = (
            max_accounts // 64 + 1
        )  # changes of a kind between two sweeps: counting rows takes long
        database.create(_TABLE, _ORDER)

    def get(self, kind: str, account: str) -> Value:
        """Return the object of an account; empty if there is none."""
        row = self._database.row(_GET, (kind, account))
        return _decode(row[0]) if row else {}

    def change(self, kind: str, account: str, change: Callable[[Value], T]) -> T:
        """Let ``change`` modify the object of an account, and return its result. An empty object is removed.

        If it raises an exception, that is raised and nothing is changed.
        """
        with self._database.transaction() as cursor:
            stored, is_latest = cursor.execute(_FIND, (kind, account)).fetchone() or (None, False)
            value = _decode(stored) if stored else {}
            result = change(value)
            if value and is_latest:
                cursor.execute(_REPLACE, (kind, account, _encode(value)))
            elif value:
                (number,) = cursor.execute(_PUT, (kind, account, _encode(value))).fetchone()
                if number % self._sweeps == 0:
                    cursor.execute(_EVICT, (kind, self._max_accounts))
            elif stored:
                cursor.execute(_REMOVE, (kind, account))
            return result

    def all(self, kind: str) -> dict[str, Value]:
        """Return the objects of a kind by account, the least recently changed first."""
        query = "SELECT account, value FROM counters WHERE kind = ? ORDER BY changed"
        return {account: _decode(value) for account, value in self._database.rows(query, (kind,))}

    def clear(self, kind: str, account: str | None) -> None:
        """Remove the object of an account, or those of all accounts."""
        with self._database.transaction() as cursor:
            if account is None:
                cursor.execute("DELETE FROM counters WHERE kind = ?", (kind,))
            else:
                cursor.execute(_REMOVE, (kind, account))
