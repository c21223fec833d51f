"""Documents in an SQLite database, which several processes can use."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from typing import TYPE_CHECKING

from mockserver.state.disk import StateFailed
from mockserver.state.memory.documents import MAX_ROOMS, MAX_VALUES, ROOM_BYTES
from mockserver.state.protocols import Change
from mockserver.state.sqlite.rows import TABLES, Draft
from mockserver.state.sqlite.value_cache import ValueCache

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from mockserver.state.blobs import Blobs
    from mockserver.state.protocols import Listener, Value
    from mockserver.state.sqlite.database import Database

log = logging.getLogger(__name__)

_LOOK = 0.015  # seconds between two looks for changes by other processes; one takes about 10 microseconds

_LATEST = "SELECT latest FROM versions"
_ROOM = "SELECT key, version, value FROM documents WHERE kind = ? AND account = ? ORDER BY place"
_OF_KIND = "SELECT account, key, version, value FROM documents WHERE kind = ? ORDER BY place"
_OF_ACCOUNT = """
SELECT kind, account, key, version, value FROM documents WHERE account = ?1 OR ?1 IS NULL ORDER BY place
"""
_SINCE = """
SELECT version, 0, kind, account, key, NULL FROM removals WHERE version > ?1 UNION ALL
SELECT version, 1, kind, account, key, value FROM documents WHERE version > ?1 ORDER BY 1, 2
"""


class SqliteDocuments:
    """JSON values by kind, account and key (``protocols.Documents``).

    A method that changes values is one transaction. The database also has the names of the blobs in the values: a blob
    that no value names any more is deleted while the database is locked, so no process can name it meanwhile.
    """

    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        *,
        shared: bool = False,
        capacity: int = MAX_VALUES,
        room_bytes: int = ROOM_BYTES,
        rooms: int = MAX_ROOMS,
    ) -> None:
        """Open the documents in ``database``. Those that are ``shared`` are changed by other processes, too."""
        self._database = database
        self._blobs = blobs
        self._shared = shared
        self._bounds = (capacity, room_bytes, rooms)
        self._changing = threading.Lock()  # held during a change and while its listeners are called
        self._listeners: list[tuple[Listener, tuple[str, ...]]] = []
        self._cache = ValueCache()
        with database.transaction() as cursor:
            for statement in TABLES:
                cursor.execute(statement)
            (self._seen,) = cursor.execute(_LATEST).fetchone()
        self._own: set[int] = set()  # versions after ``_seen`` that are changes of this process
        self._closing = threading.Event()
        self._follower: threading.Thread | None = None

    def listen(self, listener: Listener, *kinds: str) -> None:
        """Call ``listener`` with the changes of some kinds, or of all, before the methods return.

        Changes by other processes follow within about 20 ms, from a thread.
        """
        self._listeners.append((listener, kinds))
        if self._shared and self._follower is None:
            self._follower = threading.Thread(target=self._follow, name="documents", daemon=True)
            self._follower.start()

    def put(
        self, kind: str, account: str, key: str, value: Value, *, check: Callable[[], None] = lambda: None
    ) -> None:
        """Store ``value``, replacing one with the same key. A value larger than a room is not stored.

        ``check`` is called first; the values do not change between its call and the end of the method. If it raises an
        exception, that is raised and nothing is changed.
        """
        with self._draft() as draft:
            check()
            draft.put(kind, account, key, value)

    def get(self, kind: str, account: str, key: str) -> Value | None:
        """Return the value of ``key``, or ``None``."""
        name = (kind, account, key)
        version, value = self._cache.get(name)
        query = """
            SELECT version, CASE WHEN version = ? THEN NULL ELSE value END FROM documents
            WHERE kind = ? AND account = ? AND key = ?
        """
        row = self._database.row(query, (version, *name))
        if row is None or row[1] is None:
            return value if row else None
        return self._cache.read(name, *row)

    def update(
        self, kind: str, account: str, key: str, change: Callable[[Value], Value], *, evict: bool = False
    ) -> Value | None:
        """Replace the value of ``key`` by the result of ``change``. Return the new value, or ``None``.

        With ``evict``, for values that grow, the oldest are evicted as by ``put``.
        """
        with self._draft() as draft:
            before = draft.get(kind, account, key)
            if before is None:
                return None
            changed = change(before)
            if changed is not before:
                (draft.put if evict else draft.replace)(kind, account, key, changed)
            return changed

    def remove(self, kind: str, account: str, key: str) -> bool:
        """Remove the value of ``key``. Return whether there was one."""
        with self._draft() as draft:
            return draft.remove(kind, account, key)

    def values(self, kind: str, account: str) -> list[Value]:
        """Return all values of a kind, oldest first."""
        rows = self._database.rows(_ROOM, (kind, account))
        return [self._cache.read((kind, account, key), *stored) for key, *stored in rows]

    def all(self, kind: str) -> list[tuple[str, str, Value]]:
        """Return account, key and value of all values of a kind; those of each account oldest first."""
        rows = self._database.rows(_OF_KIND, (kind,))
        return [
            (account, key, self._cache.read((kind, account, key), *stored)) for account, key, *stored in rows
        ]

    def reset(self, account_id: str | None) -> None:
        """Remove all values of an account, or of all accounts."""
        with self._draft() as draft:
            draft.reset(account_id)

    def snapshot(self, account_id: str | None) -> list[Value]:
        """Return the values of an account, or of all accounts: their kinds with the values, oldest first."""
        rooms: dict[tuple[str, str], dict[str, Value]] = {}
        for kind, account, key, *stored in self._database.rows(_OF_ACCOUNT, (account_id,)):
            value = self._cache.read((kind, account, key), *stored)
            rooms.setdefault((kind, account), {})[key] = value
        return [
            {"kind": kind, "account": account if account_id is None else None, "values": values}
            for (kind, account), values in rooms.items()
        ]

    def restore(
        self, state: list[Value], account_id: str | None, *, check: Callable[[], None] = lambda: None
    ) -> None:
        """Replace the values of an account, or of all accounts, by those of a ``snapshot``. ``check``: as ``put``."""
        with self._draft() as draft:
            check()
            draft.reset(account_id)
            for room in state:
                for key, value in room["values"].items():
                    draft.put(room["kind"], account_id or room["account"], key, value)

    def take_in(self, values: Iterable[tuple[str, str, str, Value]], unusable: Iterable[int]) -> None:
        """Store values, each with its kind, account and key, and forget those at the ``unusable`` places.

        The blobs of forgotten values are kept.
        """
        with self._draft() as draft:
            for place in unusable:
                draft.forget(place)
            for value in values:
                draft.put(*value)

    def delete_unnamed(self) -> None:
        """Delete the blobs that no value names any more, also those that a killed process has left so."""
        with self._database.transaction() as cursor:
            for (blob_id,) in cursor.execute("SELECT blob FROM unnamed").fetchall():
                if not cursor.execute("SELECT 1 FROM names WHERE blob = ?", (blob_id,)).fetchone():
                    self._blobs.delete(blob_id)
            cursor.execute("DELETE FROM unnamed")

    def close(self) -> None:
        """Stop following other processes, and close the database."""
        self._closing.set()
        if self._follower is not None:
            self._follower.join()
        self._database.close()

    @contextlib.contextmanager
    def _draft(self) -> Iterator[Draft]:
        """Yield a draft for the changes of a method; then store them as a whole, and call the listeners."""
        with self._changing:
            with self._database.transaction() as cursor:
                draft = Draft(cursor, self._cache, *self._bounds)
                yield draft
                draft.end()
            draft.cache()
            if draft.version is not None and self._follower is not None:
                self._own.add(draft.version)
            for blob_id in draft.named:
                self._blobs.settle(blob_id)
            self._call(draft.changes)
            if draft.has_unnamed:
                with contextlib.suppress(StateFailed):  # which is logged; the next change tries it again
                    self.delete_unnamed()

    def _call(self, changes: Sequence[Change]) -> None:
        for listener, kinds in self._listeners:
            wanted = [change for change in changes if not kinds or change.kind in kinds]
            if wanted:
                listener(wanted)

    def _follow(self) -> None:
        """Call the listeners with the changes by other processes, until the store is closed."""
        while not self._closing.wait(_LOOK):
            try:
                if self._version() != self._seen:
                    self._announce()
            except StateFailed:  # which is logged
                continue
            except Exception:
                log.exception("the changes of another process could not be followed")

    def _announce(self) -> None:
        with self._changing:
            latest = self._version()
            rows = self._database.rows(_SINCE, (self._seen,))
            own, self._own = self._own, set()
            self._seen = max([latest, *(row[0] for row in rows)])
            self._call(
                [
                    Change(kind, account, key, None, None if value is None else json.loads(value))
                    for version, _, kind, account, key, value in rows
                    if version not in own
                ]
            )

    def _version(self) -> int:
        """Return the version of the latest change."""
        (version,) = self._database.row(_LATEST) or (0,)
        return int(version)
