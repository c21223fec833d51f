"""Buckets in an SQLite database. Several buckets are checked and charged in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.state import bucket
from mockserver.state.bucket import Bucket, Draw, Key, Limit

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from mockserver.state.sqlite.database import Database

# Debts and amounts are texts: an integer of SQLite has 64 bits, which a large limit per day exceeds.
_TABLE = """
CREATE TABLE IF NOT EXISTS buckets (
    number INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    limit_group TEXT NOT NULL,
    kind TEXT NOT NULL,
    debt TEXT NOT NULL,
    at INTEGER NOT NULL,
    amount TEXT NOT NULL,
    window INTEGER NOT NULL,
    UNIQUE (account, limit_group, kind)
)
"""
_GET = "SELECT debt, at, amount, window FROM buckets WHERE account = ? AND limit_group = ? AND kind = ?"
_OF_GROUP = "SELECT kind, number, debt, at, amount, window FROM buckets WHERE account = ? AND limit_group = ?"
_REPLACE = "UPDATE buckets SET debt = ?, at = ?, amount = ?, window = ? WHERE number = ?"
_PUT = """
INSERT INTO buckets (debt, at, amount, window, account, limit_group, kind) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET debt = excluded.debt, at = excluded.at, amount = excluded.amount, window = excluded.window
"""
_OLDEST = "SELECT number, debt, at, amount, window FROM buckets ORDER BY number LIMIT ?"
_TO_THE_END = "UPDATE buckets SET number = (SELECT max(number) FROM buckets) + 1 WHERE number = ?"
_SWEPT = (
    2  # buckets examined whenever one is added, so that full ones are removed as fast as new ones are added
)


class SqliteBuckets:
    """The buckets in use (``protocols.Buckets``). Full buckets are removed, which changes no answer."""

    def __init__(self, database: Database) -> None:
        self._database = database
        database.create(_TABLE)

    def __len__(self) -> int:
        (count,) = self._database.row("SELECT count(*) FROM buckets") or (0,)
        return int(count)

    def take_all(self, draws: Sequence[Draw], now: int) -> tuple[Draw | None, list[Bucket]]:
        """Take all the draws or none.

        Return the draw that must wait longest, or ``None`` if none must wait, and the resulting buckets.
        """
        if not draws:
            return None, []
        with self._database.transaction() as cursor:
            rows = _rows(cursor, draws)
            held = [
                _read(rows[draw.key][1:]) if draw.key in rows else (Bucket(), draw.limit) for draw in draws
            ]
            refused, buckets = bucket.take_all(draws, held, now)
            _keep(cursor, rows, draws, buckets, now)
            return refused, buckets

    def charge(self, draw: Draw, now: int) -> None:
        """Take a draw even if it exceeds the limit. A negative amount is given back."""
        with self._database.transaction() as cursor:
            rows = _rows(cursor, [draw])
            held = _read(rows[draw.key][1:]) if draw.key in rows else (Bucket(), draw.limit)
            taken = bucket.take(bucket.refilled(*held, now), draw.limit, draw.amount, now)
            _keep(cursor, rows, [draw], [taken], now)

    def put(self, key: Key, held: Bucket, limit: Limit) -> None:
        """Replace a bucket."""
        with self._database.transaction() as cursor:
            cursor.execute(_PUT, (*_values(held, limit), *key))

    def get(self, key: Key) -> Bucket:
        """Return the bucket of ``key``; a full bucket if none is stored."""
        row = self._database.row(_GET, key)
        return _read(row)[0] if row else Bucket()

    def clear(self, account: str | None = None) -> None:
        """Remove all buckets, or those of one account, so that they are full again."""
        self.replace(account, ())

    def replace(self, account: str | None, buckets: Iterable[tuple[Key, Bucket, Limit]]) -> None:
        """Replace the buckets of an account, or all, by these."""
        with self._database.transaction() as cursor:
            cursor.execute("DELETE FROM buckets WHERE account = ?1 OR ?1 IS NULL", (account,))
            for key, held, limit in buckets:
                cursor.execute(_PUT, (*_values(held, limit), *key))

    def items(self) -> Iterator[tuple[Key, Bucket, Limit]]:
        """Yield the stored buckets."""
        query = "SELECT account, limit_group, kind, debt, at, amount, window FROM buckets ORDER BY number"
        for row in self._database.rows(query):
            yield (row[:3], *_read(row[3:]))


def _read(row: Sequence[Any]) -> tuple[Bucket, Limit]:
    debt, at, amount, window = row
    return Bucket(int(debt), at), Limit(int(amount), window)


def _rows(cursor: sqlite3.Cursor, draws: Sequence[Draw]) -> dict[Key, tuple[Any, ...]]:
    """Return the rows of the buckets of draws, and of others of their groups, with their numbers."""
    return {
        (*group, kind): row
        for group in {draw.key[:2] for draw in draws}
        for kind, *row in cursor.execute(_OF_GROUP, group).fetchall()
    }


def _keep(
    cursor: sqlite3.Cursor,
    rows: Mapping[Key, tuple[Any, ...]],
    draws: Sequence[Draw],
    buckets: Sequence[Bucket],
    now: int,
) -> None:
    """Store the buckets of draws, which have replaced those of the rows. For each new one, others are examined."""
    kept = list(zip(draws, buckets, strict=True))
    replaced = [(*_values(held, draw.limit), rows[draw.key][0]) for draw, held in kept if draw.key in rows]
    cursor.executemany(_REPLACE, replaced)  # first, because a sweep changes the numbers
    for draw, held in kept:
        if draw.key not in rows:
            cursor.execute(_PUT, (*_values(held, draw.limit), *draw.key))
            _sweep(cursor, now)


def _values(held: Bucket, limit: Limit) -> tuple[str, int, str, int]:
    return str(held.debt), held.at, str(limit.amount), limit.window


def _sweep(cursor: sqlite3.Cursor, now: int) -> None:
    """Remove the oldest buckets if they are full; the others are examined again later."""
    for number, *row in cursor.execute(_OLDEST, (_SWEPT,)).fetchall():
        full = not bucket.debt_at(*_read(row), now)
        cursor.execute("DELETE FROM buckets WHERE number = ?" if full else _TO_THE_END, (number,))
