"""Documents in Redis."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from mockserver.state.blobs import named_in
from mockserver.state.disk import StateFailed
from mockserver.state.memory.documents import MAX_ROOMS, MAX_VALUES, ROOM_BYTES
from mockserver.state.protocols import Change
from mockserver.state.redis.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mockserver.state.protocols import Listener, Value
    from mockserver.state.redis.blobs import RedisBlobs
    from mockserver.state.redis.scripts import Script
    from mockserver.state.redis.server import Argument, RedisServer

log = logging.getLogger(__name__)

_PUT, _REMOVE = script("documents", "documents_put"), script("documents", "documents_remove")
_RESTORE = script("documents", "documents_restore")
_GET, _ALL = script("documents", "documents_get"), script("documents", "documents_all")

_PATIENCE = (
    30.0  # seconds for calls that read or write all values, and for changes against those of other processes
)
_LOOKS = (
    0.5  # seconds between two looks of the thread that follows other processes, to notice that it must end
)


def _nothing() -> None:
    """Do nothing."""


class RedisDocuments:
    """JSON values by kind, account and key (``protocols.Documents``).

    The values of an account have a version, which changes with each of them: a change that depends on what was read is
    made only if the version is still the same. The blobs that values name are counted in the same script that changes
    the values, so their counts are exact. Changes are announced to other processes in a stream.
    """

    def __init__(
        self,
        server: RedisServer,
        blobs: RedisBlobs,
        *,
        capacity: int = MAX_VALUES,
        room_bytes: int = ROOM_BYTES,
        rooms: int = MAX_ROOMS,
    ) -> None:
        self._server = server
        self._blobs = blobs
        self._keys = [server.key("documents"), server.key("blob")]
        self._group = uuid.uuid4().hex  # of this process and those that are forked from it
        self._bounds: tuple[Argument, ...] = (server.address.idle, rooms)
        self._room_bounds: tuple[Argument, ...] = (capacity, room_bytes)
        self._changing = threading.Lock()  # held during a change and while its listeners are called
        self._listeners: list[tuple[Listener, tuple[str, ...]]] = []
        self._closing = threading.Event()
        self._follower: threading.Thread | None = None

    def listen(self, listener: Listener, *kinds: str) -> None:
        """Call ``listener`` with the changes of some kinds, or of all, before the methods return.

        Changes by other processes follow from a thread.
        """
        self._listeners.append((listener, kinds))
        if self._follower is None:
            latest = self._server.call("XREVRANGE", self._stream, "+", "-", "COUNT", 1)
            since = latest[0][0] if latest else b"0-0"
            self._follower = threading.Thread(
                target=self._follow, args=[since], name="documents", daemon=True
            )
            self._follower.start()

    def put(
        self, kind: str, account: str, key: str, value: Value, *, check: Callable[[], None] = _nothing
    ) -> None:
        """Store ``value``, replacing one with the same key. A value larger than a room is not stored.

        ``check`` is called first, perhaps several times; the values of the account do not change between its last call
        and the end of the method. If it raises an exception, that is raised and nothing is changed.
        """
        with self._changing:
            for _ in _attempts(kind, key):
                version: Argument = ""
                if check is not _nothing:
                    _, version = self._read(kind, account, key)
                    check()
                if self._put(kind, account, key, value, version):
                    return

    def get(self, kind: str, account: str, key: str) -> Value | None:
        """Return the value of ``key``, or ``None``."""
        return _decoded(self._read(kind, account, key)[0])

    def update(
        self, kind: str, account: str, key: str, change: Callable[[Value], Value], *, evict: bool = False
    ) -> Value | None:
        """Replace the value of ``key`` by the result of ``change``. Return the new value, or ``None``.

        With ``evict``, for values that grow, the oldest are evicted as by ``put``.
        """
        with self._changing:
            for _ in _attempts(kind, key):
                data, version = self._read(kind, account, key)
                before = _decoded(data)
                if before is None:
                    return None
                changed = change(before)
                if changed is before or self._put(kind, account, key, changed, version, evict=evict):
                    return changed
        return None

    def remove(self, kind: str, account: str, key: str) -> bool:
        """Remove the value of ``key``. Return whether there was one."""
        with self._changing:
            answer = self._change(_REMOVE, *self._bounds, kind, account, key)
            return any(
                change[2] == key and change[:2] == (kind, account) for change in self._announce(answer)
            )

    def values(self, kind: str, account: str) -> list[Value]:
        """Return all values of a kind, oldest first."""
        return [value for *_, value in self._all(kind, f"={account}")]

    def all(self, kind: str) -> list[tuple[str, str, Value]]:
        """Return account, key and value of all values of a kind; those of each account oldest first."""
        return [(account, key, value) for _, account, key, value in self._all(kind, "")]

    def reset(self, account_id: str | None) -> None:
        """Remove all values of an account, or of all accounts."""
        self.restore([], account_id)

    def snapshot(self, account_id: str | None) -> list[Value]:
        """Return the values of an account, or of all accounts: their kinds with the values, oldest first."""
        rooms: dict[tuple[str, str], dict[str, Value]] = {}
        for kind, account, key, value in self._all("", "" if account_id is None else f"={account_id}"):
            rooms.setdefault((kind, account), {})[key] = value
        return [
            {"kind": kind, "account": account if account_id is None else None, "values": values}
            for (kind, account), values in rooms.items()
        ]

    def restore(
        self, state: list[Value], account_id: str | None, *, check: Callable[[], None] = _nothing
    ) -> None:
        """Replace the values of an account, or of all accounts, by those of a ``snapshot``. ``check``: as ``put``."""
        rows: list[Argument] = []
        after: dict[tuple[str, str, str], Value] = {}
        for room in state:
            account = account_id or room["account"]
            for key, value in room["values"].items():
                after[room["kind"], account, key] = value
                rows += (room["kind"], account, key, _encoded(value), _names(value))
        given = "" if account_id is None else f"={account_id}"
        with self._changing:
            for _ in _attempts("all values of", account_id or "all accounts"):
                version: Argument = ""
                if check is not _nothing:
                    version = self._read("", account_id or "", "")[1]
                    check()
                answer = self._change(
                    _RESTORE, *self._bounds, *self._room_bounds, version, given, *rows, seconds=_PATIENCE
                )
                if answer is not None:
                    self._announce(answer, after)
                    return

    def close(self) -> None:
        """Stop following other processes, and close the connections."""
        self._closing.set()
        if self._follower is not None:
            self._follower.join()
        self._server.close()

    @property
    def _process(self) -> str:
        return f"{self._group}-{os.getpid()}"

    @property
    def _stream(self) -> str:
        return f"{self._keys[0]}:changes"

    def _read(self, kind: str, account: str, key: str) -> tuple[bytes | None, bytes]:
        """Return a value as JSON, or ``None``, and the version of the values of its account."""
        data, version = self._server.run(_GET, self._keys, kind, account, key)
        return data, version

    def _all(self, kind: str, account: str) -> Iterator[tuple[str, str, str, Value]]:
        rows = self._server.run(_ALL, self._keys, kind, account, seconds=_PATIENCE)
        for *name, data in zip(*(rows[part::4] for part in range(4)), strict=True):
            found_kind, found_account, key = (each.decode() for each in name)
            yield found_kind, found_account, key, json.loads(data)

    def _put(
        self, kind: str, account: str, key: str, value: Value, version: Argument, *, evict: bool = True
    ) -> bool:
        """Store a value, if the values of the account still have a version. Return whether it is stored."""
        name = (kind, account, key)
        answer = self._change(
            _PUT,
            *self._bounds,
            *self._room_bounds,
            version,
            *name,
            _encoded(value),
            _names(value),
            int(evict),
        )
        if answer is None:
            return False
        self._announce(answer, {name: value})
        return True

    def _change(self, change: Script, *arguments: Argument, seconds: float | None = None) -> Any:
        return self._server.run(change, self._keys, self._process, *arguments, seconds=seconds)

    def _announce(
        self, answer: Sequence[Any], after: dict[tuple[str, str, str], Value] | None = None
    ) -> list[Change]:
        """Call the listeners with the changes that a script has made, and return these."""
        has_unnamed, *rows = answer
        changes = []
        for *encoded, before, is_kept in zip(*(rows[part::5] for part in range(5)), strict=True):
            kind, account, key = (each.decode() for each in encoded)
            value = (after or {})[kind, account, key] if is_kept else None
            changes.append(Change(kind, account, key, _decoded(before), value))
        self._call(changes)
        if has_unnamed:
            with contextlib.suppress(StateFailed):  # which is logged; a later change tries it again
                self._blobs.delete_unnamed()
        return changes

    def _call(self, changes: Sequence[Change]) -> None:
        for listener, kinds in self._listeners:
            wanted = [change for change in changes if not kinds or change.kind in kinds]
            if wanted:
                listener(wanted)

    def _follow(self, since: bytes) -> None:
        """Call the listeners with the changes by other processes, until the store is closed."""
        command = ("XREAD", "COUNT", 100, "BLOCK", round(_LOOKS * 1000), "STREAMS", self._stream)
        while not self._closing.is_set():
            found = self._server.wait(*command, since, seconds=_LOOKS)
            for since, (_, by, _, changes) in found[0][1] if found else ():  # noqa: B007 - where to go on
                if by.decode() == self._process:
                    continue
                try:
                    self._announce_others(json.loads(changes))
                except StateFailed:  # which is logged
                    continue
                except Exception:
                    log.exception("the changes of another process could not be followed")

    def _announce_others(self, names: list[tuple[str, str, str]]) -> None:
        wanted = {kind for _, kinds in self._listeners for kind in kinds}
        is_all = any(not kinds for _, kinds in self._listeners)
        with self._changing:
            self._call(
                [
                    Change(kind, account, key, None, self.get(kind, account, key))
                    for kind, account, key in names
                    if is_all or kind in wanted
                ]
            )


def _attempts(kind: str, key: str) -> Iterator[None]:
    """Yield for each attempt to change a value. Raises ``StateFailed`` when it is time to give up."""
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        yield
    raise StateFailed(f"{kind} {key} could not be changed: other processes change the account all the time")


def _encoded(value: Value) -> bytes:
    return json.dumps(value).encode()


def _decoded(data: bytes | None) -> Value | None:
    return json.loads(data) if data else None


def _names(value: Value) -> str:
    return " ".join(named_in(value))
