"""Opens the state that the processes of a server share: in memory, if there is one process, in SQLite or in Redis."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.installation import GONE, origin_of
from mockserver.state.disk import StateFailed
from mockserver.state.layout import StateFolderError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.replicas import Changes
    from mockserver.state.protocols import BlobStore, Bounds, Buckets, Counters, Documents, Leases, Log

MEMORY, SQLITE = "memory", "sqlite"
REDIS = ("redis", "rediss", "unix")  # without TLS, with it, and by a Unix socket


def _nothing() -> None:
    """Do nothing."""


class SharedState(Struct, frozen=True):
    """The shared state. Without ``changes``, this process is the only one, and has everything in its memory.

    ``open_log`` opens the log with a name, such as ``journal``. What is changed within a block ``with together()`` may
    be changed in one step, which is faster. ``open_documents`` opens the documents and blobs, if they are here, too.
    """

    counters: Counters
    buckets: Buckets
    leases: Leases
    open_log: Callable[[str, Bounds], Log]
    changes: Changes | None = None
    close: Callable[[], None] = _nothing
    together: Callable[[], AbstractContextManager[Any]] = nullcontext
    open_documents: Callable[[], tuple[Documents, BlobStore]] | None = None


def open_shared(store: str) -> SharedState:
    """Return the state in the ``store`` of the settings. Raises ``StateFolderError`` if it cannot be used."""
    scheme, _, place = store.partition(":")
    if scheme == MEMORY:
        from mockserver.state.memory.buckets import MemoryBuckets
        from mockserver.state.memory.counters import MemoryCounters
        from mockserver.state.memory.leases import MemoryLeases
        from mockserver.state.memory.log import MemoryLog

        return SharedState(
            MemoryCounters(), MemoryBuckets(), MemoryLeases(), lambda _, bounds: MemoryLog(bounds)
        )
    if scheme == SQLITE and place:
        return _in_sqlite(Path(place).absolute())
    if scheme in REDIS:
        return _in_redis(store)
    raise StateFolderError(f"store: unknown store {store!r}. Use memory, sqlite:PATH or redis://HOST:PORT.")


def check_for_workers(store: str) -> None:
    """Check that workers for heavy work can share a store. Raises ``StateFolderError``."""
    if store.partition(":")[0] not in REDIS:
        raise StateFolderError(
            f"heavy_work: workers need a store in Redis, and the store is {store}. Set store to redis://HOST:PORT."
        )
    if origin_of("dramatiq") is None:
        raise StateFolderError(
            f"heavy_work: the queue needs the package dramatiq: {GONE}. Install it: "
            "pip install 'audio-mockserver[redis]'"
        )


def _in_sqlite(path: Path) -> SharedState:
    from mockserver.state.sqlite.buckets import SqliteBuckets
    from mockserver.state.sqlite.changes import SqliteChanges
    from mockserver.state.sqlite.counters import SqliteCounters
    from mockserver.state.sqlite.database import Database
    from mockserver.state.sqlite.leases import SqliteLeases
    from mockserver.state.sqlite.log import SqliteLog

    try:
        database = Database(path)
        return SharedState(
            SqliteCounters(database),
            SqliteBuckets(database),
            SqliteLeases(database),
            partial(SqliteLog, database),
            SqliteChanges(database),
            database.close,
            database.transaction,
        )
    except StateFailed as error:
        raise StateFolderError(
            f"store: {error}. Name another file, or one that does not exist yet."
        ) from error


def _in_redis(store: str) -> SharedState:
    from mockserver.state.redis.opening import connect, open_documents

    server = connect(store)
    from mockserver.state.redis.buckets import RedisBuckets
    from mockserver.state.redis.changes import RedisChanges
    from mockserver.state.redis.counters import RedisCounters
    from mockserver.state.redis.leases import RedisLeases
    from mockserver.state.redis.log import RedisLog

    return SharedState(
        RedisCounters(server),
        RedisBuckets(server),
        RedisLeases(server),
        lambda name, bounds: RedisLog(server, name, bounds),
        RedisChanges(server),
        server.close,
        open_documents=partial(open_documents, server),
    )
