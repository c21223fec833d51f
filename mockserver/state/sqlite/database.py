"""An SQLite database that several processes of one machine use at the same time."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.state.disk import StateFailed, Troubles, no_room_in, tighten
from mockserver.state.layout import APPLICATION

try:
    import fcntl
except ImportError:  # Windows: SQLite's own lock has to do, which is polled
    fcntl = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_BUSY_MS = 30_000  # milliseconds to wait for another process, which holds a lock for less than one
FORMAT = 1  # the tables that this version reads and writes
_CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
_RESERVE = 1 << 19  # bytes
_LEFT_BY_FORKS: list[_Connections] = []  # SQLite allows a child process neither to use nor to close them


class ForeignDatabase(StateFailed):
    """The file is not a database of this program, or one of a newer version. Nothing of it was changed."""


class Database:
    """A database file in WAL mode. Thread-safe; a process that is forked off has connections of its own.

    Readers never wait. Writers wait in the kernel for a lock on a file beside the database, because SQLite would poll
    its own lock.
    """

    def __init__(self, path: Path, *, synchronous: str = "NORMAL", troubles: Troubles | None = None) -> None:
        """Open the file, which is created if necessary. Raises ``ForeignDatabase`` and ``StateFailed``.

        ``synchronous`` is what a committed change survives: OFF, the end of any process; NORMAL, the same, and a crash
        of the system leaves an earlier state; FULL, a crash of the system.
        """
        self.path = path
        self._synchronous = synchronous
        self._troubles = troubles or Troubles()
        with self._failures():
            self._connections = _Connections(path, synchronous)

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
        connections = self._own()
        with self._failures(), connections.writing, contextlib.closing(connections.writer.cursor()) as cursor:
            if connections.writer.in_transaction:
                yield cursor
                return
            with connections.locked():
                cursor.execute("BEGIN IMMEDIATE")
                try:
                    yield cursor
                    cursor.execute("COMMIT")
                except BaseException as error:
                    _undo(cursor, after=error)
                    raise

    def rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Return the rows of a query, which sees all committed changes. Raises ``StateFailed``."""
        with self._reader() as reader:
            return reader.execute(query, values).fetchall()

    def row(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any | None:
        """Return the first row of a query, or ``None``. Raises ``StateFailed``."""
        with self._reader() as reader:
            return reader.execute(query, values).fetchone()

    def reserve(self) -> None:
        """Let the files have room for a few changes even if the disk is full later, so that values can be removed."""
        self.create(f"CREATE TABLE reserve AS SELECT zeroblob({_RESERVE}) AS room")
        self.create("DROP TABLE reserve")
        with self._failures():
            self._own().writer.execute(_CHECKPOINT)

    def close(self) -> None:
        """Close all connections of this process."""
        self._own().close()

    @contextlib.contextmanager
    def _reader(self) -> Iterator[sqlite3.Connection]:
        readers = self._own().readers
        with self._failures():
            try:
                reader = readers.pop()
            except IndexError:
                reader = _connect(self.path, self._synchronous)
            try:
                yield reader
            finally:
                readers.append(reader)

    def _own(self) -> _Connections:
        """Return the connections of this process."""
        if self._connections.process != os.getpid():
            _LEFT_BY_FORKS.append(self._connections)
            with self._failures():
                self._connections = _Connections(self.path, self._synchronous)
        return self._connections

    @contextlib.contextmanager
    def _failures(self) -> Iterator[None]:
        """Raise ``StateFailed`` for errors of SQLite and of the lock."""
        try:
            yield
        except sqlite3.Error as error:
            raise self._troubles.failed(self.path, _cause(self.path, error), "used") from error
        except _LockFailed as error:
            raise self._troubles.failed(self.path, error.cause, "used") from error


def _undo(cursor: sqlite3.Cursor, after: BaseException) -> None:
    """Undo a transaction, unless SQLite has done so already."""
    with contextlib.suppress(sqlite3.Error):
        cursor.execute("ROLLBACK")
    if isinstance(
        after, (sqlite3.Error, StateFailed)
    ):  # on a full disk, the log can be used from its beginning after that
        with contextlib.suppress(sqlite3.Error):
            cursor.execute(_CHECKPOINT)


def read(path: Path, query: str) -> list[Any]:
    """Return the rows of a query to a database that is only read. Raises ``sqlite3.Error``."""
    has_log = path.with_name(path.name + "-wal").exists()  # otherwise SQLite would create one
    connection = sqlite3.connect(f"{path.as_uri()}?{'mode=ro' if has_log else 'immutable=1'}", uri=True)
    with contextlib.closing(connection):
        return connection.execute(query).fetchall()


class _Connections:
    """The connections of one process, and its lock among the processes that write."""

    def __init__(self, path: Path, synchronous: str) -> None:
        self.process = os.getpid()
        self.writing = threading.RLock()
        self.readers: list[sqlite3.Connection] = []  # those that no thread uses now
        try:
            os.close(_private(path))
            self._lock_file = _private(path.with_name(path.name + ".lock"))
        except OSError as error:
            raise _LockFailed(error) from error
        try:
            with self.locked():
                self.writer = _connect(path, synchronous)
                _prepare(self.writer, path)
        except BaseException:
            os.close(self._lock_file)
            raise

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the database against other processes that write."""
        if fcntl is None:
            yield
            return
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        except OSError as error:
            raise _LockFailed(error) from error
        try:
            yield
        finally:
            fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def close(self) -> None:
        with self.writing:
            for connection in (*self.readers, self.writer):
                connection.close()
            self.readers.clear()
            os.close(self._lock_file)


def _private(path: Path) -> int:
    """Open a file that only its owner can read, created if necessary. Return its descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    tighten(path)  # regardless of the umask
    return descriptor


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for setting in (f"busy_timeout = {_BUSY_MS}", f"synchronous = {synchronous}", "temp_store = MEMORY"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Make a new database one of this program. Raises ``ForeignDatabase``."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if (application, found) != (APPLICATION, FORMAT):
        if application == APPLICATION:
            raise ForeignDatabase(f"{path} was written by a newer version, in format {found}, not {FORMAT}")
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            raise ForeignDatabase(f"{path} is a database of another program")
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    connection.execute("PRAGMA journal_mode = WAL")


class _LockFailed(Exception):
    """The files of the database cannot be opened or locked."""

    def __init__(self, cause: OSError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _cause(path: Path, error: sqlite3.Error) -> OSError:
    """Return the error of the system behind one of SQLite, which does not say whether there is no room."""
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_FULL:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if code & 0xFF == sqlite3.SQLITE_READONLY:
        return OSError(errno.EACCES, str(error))
    if code & 0xFF == sqlite3.SQLITE_IOERR:
        return no_room_in(path.parent) or OSError(errno.EIO, str(error))
    return OSError(str(error))
