"""An SQLite database that several processes of one machine use at the same time."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.state.disk import StateFailed

try:
    import fcntl
except ImportError:  # Windows: SQLite's own lock has to do, which is polled
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_BUSY_MS = 30_000  # milliseconds to wait for another process, which holds a lock for less than one
_SETTINGS = ("journal_mode = WAL", f"busy_timeout = {_BUSY_MS}", "foreign_keys = OFF", "temp_store = MEMORY")


class Database:
    """A database file in WAL mode. Thread-safe.

    Readers never wait. Writers wait in the kernel for a lock on a file beside the database, because SQLite would poll
    its own lock. With ``durable``, a change survives a crash of the system, too, not only one of the process.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.path = path
        self._synchronous = "NORMAL" if durable else "OFF"
        self._readers = threading.local()
        self._writing = threading.RLock()
        self._writer = self._connect()
        self._lock_file = os.open(
            path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
        )
        self._depth = 0

    def create(self, *statements: str) -> None:
        """Create tables and indexes, which may exist. Raises ``StateFailed``."""
        with self.transaction() as cursor:
            for statement in statements:
                cursor.execute(statement)

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Cursor]:
        """Yield a cursor whose changes are committed at the end, as a whole. An exception undoes them.

        A transaction within another one of the same thread is a part of it. Raises ``StateFailed`` if it fails.
        """
        with self._writing:
            if self._depth:
                yield self._writer.cursor()
                return
            with self._failures(), self._locked():
                cursor = self._writer.cursor()
                cursor.execute("BEGIN IMMEDIATE")
                self._depth += 1
                try:
                    yield cursor
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
                else:
                    cursor.execute("COMMIT")
                finally:
                    self._depth -= 1

    def rows(self, query: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows of a query, which sees all committed changes. Raises ``StateFailed``."""
        with self._failures():
            return self._reader().execute(query, values).fetchall()

    def row(self, query: str, values: Sequence[Any] = ()) -> Any | None:
        """Return the first row of a query, or ``None``. Raises ``StateFailed``."""
        with self._failures():
            return self._reader().execute(query, values).fetchone()

    def close(self) -> None:
        """Close the connections of this thread and for writing."""
        with self._writing:
            self._writer.close()
            os.close(self._lock_file)

    def _reader(self) -> sqlite3.Connection:
        reader: sqlite3.Connection | None = getattr(self._readers, "connection", None)
        if reader is None:
            reader = self._readers.connection = self._connect()
        return reader

    def _connect(self) -> sqlite3.Connection:
        with self._failures():
            connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            for setting in (*_SETTINGS, f"synchronous = {self._synchronous}"):
                connection.execute(f"PRAGMA {setting}")
            return connection

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        if fcntl is None:
            yield
            return
        fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Raise ``StateFailed`` for errors of SQLite."""
        try:
            yield
        except sqlite3.Error as error:
            raise StateFailed(f"{self.path} cannot be used: {error}", str(error)) from error
