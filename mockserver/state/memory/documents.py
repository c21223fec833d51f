"""The store of all values, in memory, bounded by kind and account."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping

from mockserver.state.protocols import Change, Listener, Value

MAX_VALUES = 10_000  # values of one kind and account; the oldest are evicted
ROOM_BYTES = 1 << 26  # bytes of one kind and account, as JSON; the oldest values are evicted
MAX_ROOMS = 4_096  # kinds and accounts; the least recently used one is evicted

_Name = tuple[str, str]  # kind and account of a room


def _nothing(*_: object) -> None:
    """Do nothing."""


class MemoryDocuments:
    """The values by kind, account and key. Each method is atomic: if it raises an exception, nothing has changed.

    Changes are serialized. Each is made in copies of the rooms that it affects, then published as a whole. Values are
    not copied.
    """

    def __init__(
        self, capacity: int = MAX_VALUES, *, room_bytes: int = ROOM_BYTES, rooms: int = MAX_ROOMS
    ) -> None:
        self._capacity = capacity
        self._room_bytes = room_bytes
        self._max_rooms = rooms
        self._changes = threading.Lock()  # held during a change and while its listeners are called
        self._lock = threading.Lock()  # for the rooms; held briefly
        self._rooms: dict[_Name, _Room] = {}  # the most recently used last; a room is never modified
        self._listeners: tuple[tuple[Listener, tuple[str, ...]], ...] = ()

    def listen(self, listener: Listener, *kinds: str) -> None:
        """Call ``listener`` with the changes of some kinds, or of all, from now on, before the methods return."""
        self._listeners += ((listener, kinds),)

    def put(
        self, kind: str, account: str, key: str, value: Value, *, check: Callable[[], None] = _nothing
    ) -> None:
        """Store ``value``, replacing one with the same key. A value larger than a room is not stored.

        ``check`` is called first; the store does not change between its call and the end of the method. If it raises
        an exception, that is raised and nothing is changed.
        """
        with self._changing() as draft:
            check()
            draft.put((kind, account), key, value)

    def get(self, kind: str, account: str, key: str) -> Value | None:
        """Return the value of ``key``, or ``None``."""
        return self._room((kind, account)).values.get(key)

    def update(
        self, kind: str, account: str, key: str, change: Callable[[Value], Value], *, evict: bool = False
    ) -> Value | None:
        """Replace the value of ``key`` by the result of ``change``. Return the new value, or ``None``.

        With ``evict``, for values that grow, the oldest are evicted as by ``put``.
        """
        with self._changing() as draft:
            before = self._room((kind, account)).values.get(key)
            if before is None:
                return None
            changed = change(before)
            (draft.put if evict else draft.replace)((kind, account), key, changed)
            return changed

    def remove(self, kind: str, account: str, key: str) -> bool:
        """Remove the value of ``key``. Return whether there was one."""
        with self._changing() as draft:
            return draft.remove((kind, account), key)

    def values(self, kind: str, account: str) -> list[Value]:
        """Return all values of a kind, oldest first."""
        return list(self._room((kind, account)).values.values())

    def all(self, kind: str) -> list[tuple[str, str, Value]]:
        """Return account, key and value of all values of a kind; those of each account oldest first."""
        return [
            (account, key, value)
            for (room_kind, account), room in self._all_rooms().items()
            if room_kind == kind
            for key, value in room.values.items()
        ]

    def reset(self, account_id: str | None) -> None:
        """Remove all values of an account, or of all accounts."""
        with self._changing() as draft:
            draft.reset(account_id)

    def snapshot(self, account_id: str | None) -> list[Value]:
        """Return the values of an account, or of all accounts: their kinds with the values, oldest first."""
        return [
            {"kind": kind, "account": account if account_id is None else None, "values": dict(room.values)}
            for (kind, account), room in self._all_rooms().items()
            if account_id in (None, account)
        ]

    def restore(
        self, state: list[Value], account_id: str | None, *, check: Callable[[], None] = _nothing
    ) -> None:
        """Replace the values of an account, or of all accounts, by those of a ``snapshot``. ``check``: as ``put``."""
        with self._changing() as draft:
            check()
            draft.reset(account_id)
            for room in state:
                for key, value in room["values"].items():
                    draft.put((room["kind"], account_id or room["account"]), key, value)

    def close(self) -> None:
        """Do nothing: the values are in memory."""

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Draft]:
        """Yield a draft for the changes of a method; then publish them, and call the listeners."""
        with self._changes:
            draft = _Draft(self._all_rooms(), self._capacity, self._room_bytes)
            yield draft
            draft.evict_rooms(self._max_rooms)
            if not draft.changes:
                return
            with self._lock:
                for name, room in draft.rooms.items():
                    self._rooms.pop(name, None)
                    if room.values:
                        self._rooms[name] = room
            for listener, kinds in self._listeners:
                changes = [change for change in draft.changes if not kinds or change.kind in kinds]
                if changes:
                    listener(changes)

    def _all_rooms(self) -> Mapping[_Name, _Room]:
        """Return a copy of the rooms, the least recently used first."""
        with self._lock:
            return self._rooms.copy()

    def _room(self, name: _Name) -> _Room:
        """Return the room of a kind and account, an empty one if they have no values."""
        with self._lock:
            if name not in self._rooms:
                return _Room()
            room = self._rooms[name] = self._rooms.pop(name)
            return room


class _Draft:
    """A change that is not visible yet: modified copies of the affected rooms, and the changes of values."""

    def __init__(self, before: Mapping[_Name, _Room], capacity: int, room_bytes: int) -> None:
        self.rooms: dict[_Name, _Room] = {}  # including those that will be empty
        self.changes: list[Change] = []
        self._before = before
        self._capacity = capacity
        self._room_bytes = room_bytes

    def put(self, name: _Name, key: str, value: Value) -> None:
        """Store a value, and evict the oldest of its room if necessary."""
        self.replace(name, key, value)
        room = self.rooms[name]
        if room.sizes[key] > self._room_bytes:
            self.remove(name, key)
        while len(room.values) > self._capacity or room.bytes > self._room_bytes:
            self.remove(name, next(iter(room.values)))

    def replace(self, name: _Name, key: str, value: Value) -> None:
        """Store a value without evicting others."""
        room = self._room(name)
        before = room.values.get(key)
        room.put(key, value)
        self.changes.append(Change(*name, key, before, value))

    def remove(self, name: _Name, key: str) -> bool:
        """Remove a value. Return whether there was one."""
        room = self._room(name)
        if key not in room.values:
            return False
        self.changes.append(Change(*name, key, room.remove(key), None))
        return True

    def reset(self, account_id: str | None) -> None:
        """Clear the rooms of an account, or all rooms."""
        for name in [name for name in self._before if account_id in (None, name[1])]:
            self._clear(name)

    def evict_rooms(self, max_rooms: int) -> None:
        """Clear the least recently used rooms, if there are more than ``max_rooms``."""
        if all(name in self._before for name in self.rooms):
            return
        left = [name for name in self._before if name not in self.rooms]
        left += [name for name, room in self.rooms.items() if room.values]
        for name in left[: max(0, len(left) - max_rooms)]:
            self._clear(name)

    def _clear(self, name: _Name) -> None:
        for key in list(self._room(name).values):
            self.remove(name, key)

    def _room(self, name: _Name) -> _Room:
        if name not in self.rooms:
            self.rooms[name] = self._before[name].copy() if name in self._before else _Room()
        return self.rooms[name]


class _Room:
    """The values of one kind and account, oldest first, and their size in bytes as JSON."""

    def __init__(self) -> None:
        self.values: dict[str, Value] = {}
        self.bytes = 0
        self.sizes: dict[str, int] = {}

    def copy(self) -> _Room:
        copy = _Room()
        copy.values, copy.bytes, copy.sizes = self.values.copy(), self.bytes, self.sizes.copy()
        return copy

    def put(self, key: str, value: Value) -> None:
        size = len(json.dumps(value))
        self.bytes += size - self.sizes.get(key, 0)
        self.sizes[key] = size
        self.values[key] = value

    def remove(self, key: str) -> Value:
        self.bytes -= self.sizes.pop(key)
        return self.values.pop(key)
