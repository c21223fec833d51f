"""Where what outlives a request is kept: in memory, by kind and account, bounded.

Values are plain data (JSON values), so that a listener can keep them elsewhere, too.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

Value = dict[str, Any]

_MAX_VALUES = 10_000  # values of one kind and account; the oldest make room
_ROOM_BYTES = 1 << 26  # of one kind and account, as JSON; the oldest make room
_ROOMS = 4_096  # kinds and accounts; the one that was not used for longest makes room

_Name = tuple[str, str]  # kind and account, which have a room of their own


class Change(NamedTuple):
    """A value that came (``before`` is ``None``), was replaced, or left (``after`` is ``None``)."""

    kind: str
    account: str
    key: str
    before: Value | None
    after: Value | None


Listener = Callable[[Sequence[Change]], None]


def _nothing(*_: object) -> None:
    """Do nothing."""


class MemoryStore:
    """Keeps values by kind, account and key. Each method is atomic: what raises an exception has changed nothing.

    Changes come one after the other. Each is made in copies of the rooms it concerns, written elsewhere if something
    persists the store, and seen as a whole after that: who reads never waits for a disk, and never sees what may
    still fail. Values are copied neither in nor out.
    """

    def __init__(
        self, capacity: int = _MAX_VALUES, *, room_bytes: int = _ROOM_BYTES, rooms: int = _ROOMS
    ) -> None:
        self._capacity = capacity
        self._room_bytes = room_bytes
        self._most_rooms = rooms
        self._changes = threading.Lock()  # held during a change, also while it is written
        self._lock = threading.Lock()  # for the rooms, held for moments
        self._rooms: dict[_Name, _Room] = {}  # that used last at the end; none is ever changed
        self._write: Listener = _nothing
        self._listeners: tuple[Listener, ...] = ()

    def persist(self, write: Listener) -> None:
        """Have ``write`` keep elsewhere, from now on, what a method changes, before anybody sees it.

        It may raise an exception: then nothing is changed, and no listener is called.
        """
        self._write = write

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` from now on what every method changed, before the method returns."""
        self._listeners += (listener,)

    def put(
        self, kind: str, account: str, key: str, value: Value, *, check: Callable[[], None] = _nothing
    ) -> None:
        """Keep ``value``, replacing one of the same key. What is larger than a room may be is not kept.

        ``check`` is called first: what it reads in the store stays so until the value is there. What it raises is
        raised, nothing being changed.
        """
        with self._changing() as draft:
            check()
            draft.put((kind, account), key, value)

    def load(self, values: Iterable[tuple[str, str, str, Value]]) -> None:
        """Keep values, each with its kind, account and key, as one change."""
        with self._changing() as draft:
            for kind, account, key, value in values:
                draft.put((kind, account), key, value)

    def get(self, kind: str, account: str, key: str) -> Value | None:
        """Return the value of ``key``, or ``None``."""
        return self._room((kind, account)).values.get(key)

    def update(self, kind: str, account: str, key: str, change: Callable[[Value], Value]) -> Value | None:
        """Replace the value of ``key`` by what ``change`` makes of it. Return the new one, or ``None``."""
        with self._changing() as draft:
            before = self._room((kind, account)).values.get(key)
            if before is None:
                return None
            changed = change(before)
            draft.replace((kind, account), key, changed)
            return changed

    def remove(self, kind: str, account: str, key: str) -> bool:
        """Forget ``key``. Return whether there was one."""
        with self._changing() as draft:
            return draft.remove((kind, account), key)

    def values(self, kind: str, account: str) -> list[Value]:
        """Return all values of a kind, oldest first."""
        return list(self._room((kind, account)).values.values())

    def all(self, kind: str) -> list[tuple[str, str, Value]]:
        """Return account, key and value of all values of a kind; those of an account oldest first."""
        return [
            (account, key, value)
            for (room_kind, account), room in self._all_rooms().items()
            if room_kind == kind
            for key, value in room.values.items()
        ]

    def reset(self, account_id: str | None) -> None:
        """Forget everything of an account, or of all."""
        with self._changing() as draft:
            draft.reset(account_id)

    def snapshot(self, account_id: str | None) -> list[Value]:
        """Return what is kept of an account, or of all: its kinds with their values, oldest first."""
        return [
            {"kind": kind, "account": account if account_id is None else None, "values": dict(room.values)}
            for (kind, account), room in self._all_rooms().items()
            if account_id in (None, account)
        ]

    def restore(self, state: list[Value], account_id: str | None) -> None:
        """Keep the values of a ``snapshot`` in place of what there is, of an account or of all."""
        with self._changing() as draft:
            draft.reset(account_id)
            for room in state:
                for key, value in room["values"].items():
                    draft.put((room["kind"], account_id or room["account"]), key, value)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[_Draft]:
        """Take the changes of a method, have them written and seen, and call the listeners."""
        with self._changes:
            draft = _Draft(self._all_rooms(), self._capacity, self._room_bytes)
            yield draft
            draft.make_room(self._most_rooms)
            if not draft.changes:
                return
            self._write(draft.changes)
            with self._lock:
                for name, room in draft.rooms.items():
                    self._rooms.pop(name, None)
                    if room.values:
                        self._rooms[name] = room
            for listener in self._listeners:
                listener(draft.changes)

    def _all_rooms(self) -> Mapping[_Name, _Room]:
        """Return the rooms as they are now, that not used for longest first."""
        with self._lock:
            return self._rooms.copy()

    def _room(self, name: _Name) -> _Room:
        """Return the room of a kind and account, an empty one if nothing is kept of them."""
        with self._lock:
            if name not in self._rooms:
                return _Room()
            room = self._rooms[name] = self._rooms.pop(name)
            return room


class _Draft:
    """A change that nobody sees yet: the rooms that it concerns, as they will be, and what differs."""

    def __init__(self, before: Mapping[_Name, _Room], capacity: int, room_bytes: int) -> None:
        self.rooms: dict[_Name, _Room] = {}  # also those that will be empty
        self.changes: list[Change] = []
        self._before = before
        self._capacity = capacity
        self._room_bytes = room_bytes

    def put(self, name: _Name, key: str, value: Value) -> None:
        """Keep a value; the oldest of its room make room."""
        self.replace(name, key, value)
        room = self.rooms[name]
        if room.sizes[key] > self._room_bytes:
            self.remove(name, key)
        while len(room.values) > self._capacity or room.bytes > self._room_bytes:
            self.remove(name, next(iter(room.values)))

    def replace(self, name: _Name, key: str, value: Value) -> None:
        """Keep a value, whatever room there is."""
        room = self._room(name)
        before = room.values.get(key)
        room.put(key, value)
        self.changes.append(Change(*name, key, before, value))

    def remove(self, name: _Name, key: str) -> bool:
        """Forget a value. Return whether there was one."""
        room = self._room(name)
        if key not in room.values:
            return False
        self.changes.append(Change(*name, key, room.remove(key), None))
        return True

    def reset(self, account_id: str | None) -> None:
        """Forget the rooms of an account, or all."""
        for name in [name for name in self._before if account_id in (None, name[1])]:
            self._clear(name)

    def make_room(self, most: int) -> None:
        """Forget the rooms that were not used for longest, if there are more than ``most``."""
        if all(name in self._before for name in self.rooms):
            return
        left = [name for name in self._before if name not in self.rooms]
        left += [name for name, room in self.rooms.items() if room.values]
        for name in left[: max(0, len(left) - most)]:
            self._clear(name)

    def _clear(self, name: _Name) -> None:
        for key in list(self._room(name).values):
            self.remove(name, key)

    def _room(self, name: _Name) -> _Room:
        if name not in self.rooms:
            self.rooms[name] = self._before[name].copy() if name in self._before else _Room()
        return self.rooms[name]


class _Room:
    """The values of one kind and account, oldest first, and how many bytes they are as JSON."""

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
