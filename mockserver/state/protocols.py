"""The kinds of shared state, which every store implements: in memory, in SQLite, in Redis.

Every method is atomic: other threads and processes see all of its effect or nothing. A store that cannot be reached
raises ``StateFailed``, and then nothing has changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from mockserver.state.bucket import Bucket, Draw, Key, Limit

Value = dict[str, Any]
T = TypeVar("T")


def _nothing(*_: object) -> None:
    """Do nothing."""


class Change(NamedTuple):
    """A change of a value: added (``before`` is ``None``), replaced, or removed (``after`` is ``None``).

    Of a change by another process, ``before`` is ``None``.
    """

    kind: str
    account: str
    key: str
    before: Value | None
    after: Value | None


Listener = Callable[[Sequence[Change]], None]


class Documents(Protocol):
    """JSON values by kind, account and key: files, batches, responses and the like.

    Bounded by kind and account: the oldest values are evicted.
    """

    def listen(self, listener: Listener, *kinds: str) -> None:
        """Call ``listener`` with the changes of some kinds, or of all, from now on, before the methods return.

        Changes by other processes follow soon after.
        """
        ...

    def put(
        self, kind: str, account: str, key: str, value: Value, *, check: Callable[[], None] = _nothing
    ) -> None:
        """Store ``value``, replacing one with the same key. A value larger than a room is not stored.

        ``check`` is called first, perhaps several times; the values of the account do not change between its last call
        and the end of the method. If it raises an exception, that is raised and nothing is changed.
        """
        ...

    def get(self, kind: str, account: str, key: str) -> Value | None:
        """Return the value of ``key``, or ``None``."""
        ...

    def update(
        self, kind: str, account: str, key: str, change: Callable[[Value], Value], *, evict: bool = False
    ) -> Value | None:
        """Replace the value of ``key`` by the result of ``change``. Return the new value, or ``None``.

        ``change`` must not modify its argument, and may be called several times. With ``evict``, for values that grow,
        the oldest are evicted as by ``put``.
        """
        ...

    def remove(self, kind: str, account: str, key: str) -> bool:
        """Remove the value of ``key``. Return whether there was one."""
        ...

    def values(self, kind: str, account: str) -> list[Value]:
        """Return all values of a kind, oldest first."""
        ...

    def all(self, kind: str) -> list[tuple[str, str, Value]]:
        """Return account, key and value of all values of a kind; those of each account oldest first."""
        ...

    def reset(self, account_id: str | None) -> None:
        """Remove all values of an account, or of all accounts."""
        ...

    def snapshot(self, account_id: str | None) -> list[Value]:
        """Return the values of an account, or of all accounts: their kinds with the values, oldest first."""
        ...

    def restore(
        self, state: list[Value], account_id: str | None, *, check: Callable[[], None] = _nothing
    ) -> None:
        """Replace the values of an account, or of all accounts, by those of a ``snapshot``. ``check``: see ``put``."""
        ...

    def close(self) -> None:
        """Close the store. Its methods must not be called any more."""
        ...


class Blob(NamedTuple):
    """A committed blob: its id, its size in bytes, and its SHA-256 in hex."""

    id: str
    size: int
    sha256: str


class BlobWriter(Protocol):
    """A writer of one blob, for one thread; a context manager. Without a ``commit``, nothing of it is kept."""

    size: int

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the written bytes, in hex."""
        ...

    def write(self, piece: bytes | memoryview) -> None:
        """Append bytes."""
        ...

    def commit(self) -> Blob:
        """Keep the written bytes as a blob and return it."""
        ...

    def __enter__(self) -> BlobWriter: ...

    def __exit__(self, *_: object) -> None: ...


class BlobStore(Protocol):
    """Blobs: bytes by id. Documents name them (``blobs.NAMED_UNDER``), and the last that does removes a blob."""

    def writer(self, blob_id: str | None = None) -> BlobWriter:
        """Return a writer of a new blob. Without ``blob_id``, a new id is generated."""
        ...

    def open(self, blob_id: str) -> BinaryIO:
        """Open a blob for reading. Raises ``blobs.BytesGone`` if there is none."""
        ...

    def __contains__(self, blob_id: str) -> bool:
        """Return whether there is a blob ``blob_id``."""
        ...

    def size(self, blob_id: str) -> int | None:
        """Return the size of a blob in bytes; ``None`` if there is none."""
        ...

    def delete(self, blob_id: str) -> None:
        """Delete a blob that no document names, if there is one."""
        ...

    def close(self) -> None:
        """Close the store. Its methods must not be called any more."""
        ...


class Counters(Protocol):
    """Small JSON objects by kind and account, in which requests count: uses of stubs, costs, batch queues.

    Bounded by kind: beyond 65,536 accounts, the least recently changed is dropped.
    """

    def get(self, kind: str, account: str) -> Value:
        """Return the object of an account; empty if there is none. It must not be modified."""
        ...

    def change(self, kind: str, account: str, change: Callable[[Value], T]) -> T:
        """Let ``change`` modify the object of an account, and return its result. An empty object is removed.

        ``change`` may be called several times, each time with a fresh copy. If it raises an exception, that is raised
        and nothing is changed.
        """
        ...

    def all(self, kind: str) -> dict[str, Value]:
        """Return the objects of a kind by account, the least recently changed first."""
        ...

    def clear(self, kind: str, account: str | None) -> None:
        """Remove the object of an account, or those of all accounts."""
        ...


class Buckets(Protocol):
    """The buckets of the rate limits (``bucket.py``). Full buckets can be removed, which changes no answer.

    Times are in microseconds. A bucket that is at a slightly later time than ``now`` (``bucket.SKEW``) stays at that
    time, so that clocks of different processes refill nothing twice; one at a much later time is set back to ``now``.
    """

    def take_all(self, draws: Sequence[Draw], now: int) -> tuple[Draw | None, list[Bucket]]:
        """Take all the draws, which are of one account, or none.

        Return the draw that must wait longest, or ``None`` if none must wait, and the resulting buckets.
        """
        ...

    def charge(self, draw: Draw, now: int) -> None:
        """Take a draw even if it exceeds the limit. A negative amount is given back."""
        ...

    def put(self, key: Key, held: Bucket, limit: Limit) -> None:
        """Replace a bucket."""
        ...

    def get(self, key: Key) -> Bucket:
        """Return the bucket of ``key``; a full bucket if none is stored."""
        ...

    def clear(self, account: str | None = None) -> None:
        """Remove all buckets, or those of one account, so that they are full again."""
        ...

    def replace(self, account: str | None, buckets: Iterable[tuple[Key, Bucket, Limit]]) -> None:
        """Replace the buckets of an account, or all, by these."""
        ...

    def items(self) -> Iterator[tuple[Key, Bucket, Limit]]:
        """Yield the stored buckets."""
        ...


class Leases(Protocol):
    """Who does which work: a name has at most one holder, until its lease ends. Each process is a holder."""

    def acquire(self, name: str, seconds: float) -> bool:
        """Take the lease of ``name``, or extend it, for ``seconds``. Return ``False`` if another process has it."""
        ...

    def release(self, name: str) -> None:
        """Give up the lease of ``name``, if this process has it."""
        ...

    def is_held(self, name: str) -> bool:
        """Return whether any process has the lease of ``name``."""
        ...


class Bounds(NamedTuple):
    """The bounds of a log. Each entry takes ``overhead`` bytes in addition to its data."""

    entries: int
    bytes: int
    overhead: int = 0


class LogEntry(NamedTuple):
    """An entry of a log. The order of the entries is that of their ``place``.

    ``owner`` is empty, or names the lease of the process that will replace the entry (``Log.replace``).
    """

    place: int
    id: str
    account: str | None
    data: bytes
    owner: str = ""


class LogState(NamedTuple):
    """The state of a log.

    ``version`` grows with every change, ``deletions`` with every ``delete`` and ``restore``; the latter begins with the
    time at which the log was made, so that two logs hardly have the same. All entries have places
    from ``first`` to ``last``; in an empty log, ``first`` is the next place, ``last`` the one before. ``entries`` is
    their number, ``bytes`` their size with the overhead, ``dropped`` how many were dropped since all were deleted.
    """

    version: int
    deletions: int
    first: int
    last: int
    entries: int
    bytes: int
    dropped: int


class Log(Protocol):
    """Entries in an order, within ``Bounds``; the oldest are dropped. Several can have the same id.

    Each kind of entries has a log of its own, such as the journal.

    An ``account_id`` of ``None`` stands for all accounts, but for ``append``, where it stands for no account.
    """

    def append(self, entry_id: str, account_id: str | None, data: bytes, owner: str = "") -> int:
        """Append an entry. Return its place, which is higher than those of all others."""
        ...

    def replace(self, place: int, data: bytes, owner: str = "") -> None:
        """Replace the data and the owner of the entry at a place, if it is still there."""
        ...

    def find(self, account_id: str | None, entry_id: str) -> LogEntry | None:
        """Return the latest entry of an account with an id, or ``None``."""
        ...

    def entries(
        self,
        account_id: str | None,
        *,
        after: int | None = None,
        before: int | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> list[LogEntry]:
        """Return the entries of an account, oldest first.

        With ``after``, those of later places only; with ``before``, those of earlier ones. Of these, at most the
        ``first`` ones, or the ``last`` ones; the others are not read.
        """
        ...

    def changed(
        self, account_id: str | None, since: int, *, until: int | None = None, last: int | None = None
    ) -> list[LogEntry]:
        """Return the entries of an account that have changed since the version ``since``, oldest first.

        With ``until``, only those that have not changed again after that version; at most the ``last`` ones.
        """
        ...

    def state(self) -> LogState:
        """Return the numbers of the log. Fast."""
        ...

    def wait(self, version: int, seconds: float) -> None:
        """Wait until the version is another than ``version``, or for ``seconds``."""
        ...

    def delete(self, account_id: str | None) -> int:
        """Delete the entries of an account. Return how many there were."""
        ...

    def restore(self, entries: Sequence[tuple[str, str | None, bytes]], account_id: str | None) -> None:
        """Replace the entries of an account by these: their ids, accounts and data.

        They take places before those of other accounts.
        """
        ...
