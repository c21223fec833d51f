"""An SQLite database that several processes of one machine use at the same time."""

from __future__ import annotations

import contextlib
import errno
import mmap
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
    from collections.abc import Mapping, Sequence

_BUSY_MS = 30_000  # milliseconds to wait for another process, which holds a lock for less than one
FORMAT = 1  # the tables that this version reads and writes
_CHECKPOINT = "PRAGMA wal_checkpoint(PASSIVE)"
_LOG_PAGES = 4_000  # pages of 4 KiB in the write-ahead log, before they are copied into the database
_RESERVE = 1 << 19  # bytes
_NUMBER = 8  # bytes of the shared number
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
        self._connections = self._connect()

    def create(self, *statements: str) -> None:
        """Create tables and indexes, which may exist. Raises ``StateFailed``."""
        with self.transaction() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def transaction(self) -> Transaction:
        """Return a context manager with a cursor, whose changes are committed at the end, as a whole.

        An exception undoes them. A transaction within another one of the same thread is a part of it. Raises
        ``StateFailed`` if it fails.
        """
        return Transaction(self)

    def rows(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
        """Return the rows of a query, which sees all committed changes. Raises ``StateFailed``."""
        connections = self.own()
        try:
            try:
                reader = connections.readers.pop()
            except IndexError:
                reader = connections.connect()
            try:
                return reader.execute(query, values).fetchall()
            finally:
                connections.give_back(reader)
        except sqlite3.Error as error:
            raise self.failed(error) from error

    def row(self, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> Any | None:
        """Return the row of a query that finds at most one, or ``None``. Raises ``StateFailed``."""
        found = self.rows(query, values)
        return found[0] if found else None

    @property
    def shared_number(self) -> memoryview:
        """Return memory that all processes of the database share, with one integer; 0 at first.

        It is to be changed within transactions only. A process can be killed before it commits them.
        """
        return self.own().shared_number

    def reserve(self) -> None:
        """Let the files have room for a few changes even if the disk is full later, so that values can be removed."""
        self.create(f"CREATE TABLE reserve AS SELECT zeroblob({_RESERVE}) AS room")
        self.create("DROP TABLE reserve")
        try:
            self.own().writer.execute(_CHECKPOINT)
        except sqlite3.Error as error:
            raise self.failed(error) from error

    def close(self) -> None:
        """Close all connections of this process."""
        self.own().close()

    def own(self) -> _Connections:
        """Return the connections of this process. Raises ``StateFailed``."""
        if self._connections.process != os.getpid():
            _LEFT_BY_FORKS.append(self._connections)
            self._connections = self._connect()
        return self._connections

    def failed(self, error: sqlite3.Error | OSError) -> StateFailed:
        """Return the failure for an error of SQLite or of the lock."""
        cause = _cause(self.path, error) if isinstance(error, sqlite3.Error) else error
        return self._troubles.failed(self.path, cause, "used")

    def _connect(self) -> _Connections:
        try:
            return _Connections(self.path, self._synchronous)
        except (sqlite3.Error, OSError) as error:
            raise self.failed(error) from error


class Transaction:
    """A transaction, or a part of one. Not a generator, because every request has some."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def __enter__(self) -> sqlite3.Cursor:
        connections = self._connections = self._database.own()
        connections.writing.acquire()
        try:
            self._is_part = connections.writer.in_transaction
            if not self._is_part:
                connections.begin()
        except BaseException as error:
            connections.writing.release()
            if isinstance(error, (sqlite3.Error, OSError)):
                raise self._database.failed(error) from error
            raise
        return connections.cursor

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if not self._is_part:
                self._connections.end(error)
        except sqlite3.Error as failure:
            raise self._database.failed(failure) from failure
        finally:
            self._connections.writing.release()
        if isinstance(error, sqlite3.Error):
            raise self._database.failed(error) from error


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
        self._path, self._synchronous = path, synchronous
        self._is_closed = False
        os.close(_private(path))
        self._lock_file = _private(path.with_name(path.name + ".lock"))
        try:
            self.shared_number = _shared_number(self._lock_file)
            self._lock()
            try:
                self.writer = _connect(path, synchronous)
                self.cursor = self.writer.cursor()
                _prepare(self.writer, path)
            finally:
                self._unlock()
        except BaseException:
            os.close(self._lock_file)
            raise

    def connect(self) -> sqlite3.Connection:
        """Return another connection for reading. Raises ``sqlite3.Error``; after ``close``, too."""
        if self._is_closed:  # SQLite would create files again
            raise sqlite3.ProgrammingError("the database is closed")
        return _connect(self._path, self._synchronous)

    def give_back(self, reader: sqlite3.Connection) -> None:
        """Keep a connection for the next thread that reads."""
        self.readers.append(reader)
        if self._is_closed:
            self._close_readers()

    def begin(self) -> None:
        """Begin a transaction, once no other process writes."""
        self._lock()
        try:
            self.cursor.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._unlock()
            raise

    def end(self, error: BaseException | None) -> None:
        """Commit the transaction, or undo it after an ``error``."""
        try:
            if error is None:
                self.cursor.execute("COMMIT")
            else:
                _undo(self.cursor, after=error)
        except BaseException as failure:
            _undo(self.cursor, after=failure)
            raise
        finally:
            self._unlock()

    def _lock(self) -> None:
        """Lock the database against other processes that write."""
        if fcntl is not None:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX)

    def _unlock(self) -> None:
        if fcntl is not None:
            fcntl.flock(self._lock_file, fcntl.LOCK_UN)

    def close(self) -> None:
        with self.writing:
            self._is_closed = True
            self._close_readers()
            self.writer.close()
            os.close(self._lock_file)

    def _close_readers(self) -> None:
        with contextlib.suppress(IndexError):  # another thread may close some of them
            while True:
                self.readers.pop().close()


def _private(path: Path) -> int:
    """Open a file that only its owner can read, created if necessary. Return its descriptor."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    tighten(path)  # regardless of the umask
    return descriptor


def _shared_number(descriptor: int) -> memoryview:
    """Return the number at the beginning of a file, at place 0: memory that all processes share."""
    if os.fstat(descriptor).st_size < _NUMBER:
        os.write(descriptor, bytes(_NUMBER))  # not a hole, which could not be filled on a full disk
    return memoryview(mmap.mmap(descriptor, _NUMBER)).cast("q")


def _connect(path: Path, synchronous: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    settings = (
        f"busy_timeout = {_BUSY_MS}",
        f"synchronous = {synchronous}",
        f"wal_autocheckpoint = {_LOG_PAGES}",
        "temp_store = MEMORY",
    )
    for setting in settings:
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
