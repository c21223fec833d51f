"""Where what outlives a request is kept: in memory, by kind and account, bounded.

Values are plain data (JSON values), so that a listener can keep them elsewhere, too.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

Value = dict[str, Any]

_CAPACITY = 10_000  # values of one kind and account; the oldest make room
_ROOM_BYTES = 1 << 26  # of one kind and account, as JSON; the oldest make room
_ROOMS = 4_096  # kinds and accounts; the one that was not used for longest makes room


class Change(NamedTuple):
    """A value that came (``before`` is ``None``), was replaced, or left (``after`` is ``None``)."""

    kind: str
    account: str
    key: str
    before: Value | None
    after: Value | None


Listener = Callable[[Sequence[Change]], None]


class MemoryStore:
    """Keeps values by kind, account and key. Each method is atomic. Values are copied neither in nor out."""

    def __init__(
        self, capacity: int = _CAPACITY, *, room_bytes: int = _ROOM_BYTES, rooms: int = _ROOMS
    ) -> None:
        self._capacity = capacity
        self._room_bytes = room_bytes
        self._most_rooms = rooms
        self._lock = threading.Lock()
        self._rooms: OrderedDict[tuple[str, str], _Room] = OrderedDict()
        self._listeners: tuple[Listener, ...] = ()
        self._changes: list[Change] = []

    def listen(self, listener: Listener) -> None:
        """Tells ``listener`` from now on what every method changed, before the method returns."""
        self._listeners += (listener,)

    def put(self, kind: str, account: str, key: str, value: Value) -> None:
        """Keeps ``value``, replacing one of the same key. What is larger than a room may be is not kept."""
        with self._changing():
            self._put(kind, account, key, value)

    def get(self, kind: str, account: str, key: str) -> Value | None:
        """The value of ``key``, or ``None``."""
        with self._lock:
            return self._room(kind, account).values.get(key)

    def update(self, kind: str, account: str, key: str, change: Callable[[Value], Value]) -> Value | None:
        """Replaces the value of ``key`` by what ``change`` makes of it; the new one, or ``None``."""
        with self._changing():
            room = self._room(kind, account)
            if key not in room.values:
                return None
            changed = change(room.values[key])
            room.put(key, changed)
            return changed

    def remove(self, kind: str, account: str, key: str) -> bool:
        """Forgets ``key``; whether there was one."""
        with self._changing():
            removed = self._room(kind, account).remove(key)
            self._drop_if_empty(kind, account)
            return removed

    def values(self, kind: str, account: str) -> list[Value]:
        """All values of a kind, oldest first."""
        with self._lock:
            return list(self._room(kind, account).values.values())

    def all(self, kind: str) -> list[tuple[str, str, Value]]:
        """Account, key and value of all values of a kind; those of an account oldest first."""
        with self._lock:
            return [
                (account, key, value)
                for (room_kind, account), room in self._rooms.items()
                if room_kind == kind
                for key, value in room.values.items()
            ]

    def reset(self, account_id: str | None) -> None:
        """Forgets everything of an account, or of all."""
        with self._changing():
            self._reset(account_id)

    def snapshot(self, account_id: str | None) -> list[Value]:
        """What is kept of an account, or of all: its kinds with their values, oldest first."""
        with self._lock:
            return [
                {
                    "kind": kind,
                    "account": account if account_id is None else None,
                    "values": dict(room.values),
                }
                for (kind, account), room in self._rooms.items()
                if account_id in (None, account)
            ]

    def restore(self, state: list[Value], account_id: str | None) -> None:
        """Keeps what a ``snapshot`` says in place of what there is, of an account or of all."""
        with self._changing():
            self._reset(account_id)
            for room in state:
                for key, value in room["values"].items():
                    self._put(room["kind"], account_id or room["account"], key, value)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """Holds the lock, and tells the listeners what was changed meanwhile."""
        with self._lock:
            try:
                yield
            finally:
                changes = self._changes.copy()
                self._changes.clear()
                for listener in self._listeners if changes else ():
                    listener(changes)

    def _put(self, kind: str, account: str, key: str, value: Value) -> None:
        room = self._room(kind, account)
        room.put(key, value)
        room.shrink(self._capacity, self._room_bytes)
        self._rooms[kind, account] = room
        self._drop_if_empty(kind, account)
        if len(self._rooms) > self._most_rooms:
            self._rooms.popitem(last=False)[1].clear()

    def _reset(self, account_id: str | None) -> None:
        for name in [name for name in self._rooms if account_id in (None, name[1])]:
            self._rooms.pop(name).clear()

    def _room(self, kind: str, account: str) -> _Room:
        """The room of a kind and account, an empty one if nothing is kept of them."""
        room = self._rooms.get((kind, account))
        if room is None:
            return _Room(kind, account, self._changes)
        self._rooms.move_to_end((kind, account))
        return room

    def _drop_if_empty(self, kind: str, account: str) -> None:
        if not self._room(kind, account).values:
            self._rooms.pop((kind, account), None)


class _Room:
    """The values of one kind and account, and how many bytes they are as JSON. Notes what changes."""

    def __init__(self, kind: str, account: str, changes: list[Change]) -> None:
        self.values: OrderedDict[str, Value] = OrderedDict()
        self._name = (kind, account)
        self._changes = changes
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    def put(self, key: str, value: Value) -> None:
        size = len(json.dumps(value))
        self._bytes += size - self._sizes.get(key, 0)
        self._sizes[key] = size
        self._changes.append(Change(*self._name, key, self.values.get(key), value))
        self.values[key] = value

    def remove(self, key: str) -> bool:
        self._bytes -= self._sizes.pop(key, 0)
        value = self.values.pop(key, None)
        if value is not None:
            self._changes.append(Change(*self._name, key, value, None))
        return value is not None

    def clear(self) -> None:
        for key in list(self.values):
            self.remove(key)

    def shrink(self, capacity: int, most_bytes: int) -> None:
        while len(self.values) > capacity or self._bytes > most_bytes:
            self.remove(next(iter(self.values)))
