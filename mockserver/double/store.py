"""Where what outlives a request is kept: in memory, by kind and account, bounded.

Values are plain data (JSON values), so that a listener can keep them elsewhere, too.
"""

from __future__ import annotations

import contextlib
import itertools
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


class _Done(NamedTuple):
    """A change, and the place among the values of its room that the one before had."""

    change: Change
    place: int


class MemoryStore:
    """Keeps values by kind, account and key. Each method is atomic: what raises an exception has changed nothing.

    Values are copied neither in nor out.
    """

    def __init__(
        self, capacity: int = _CAPACITY, *, room_bytes: int = _ROOM_BYTES, rooms: int = _ROOMS
    ) -> None:
        self._capacity = capacity
        self._room_bytes = room_bytes
        self._most_rooms = rooms
        self._lock = threading.Lock()
        self._rooms: OrderedDict[tuple[str, str], _Room] = OrderedDict()
        self._listeners: tuple[Listener, ...] = ()
        self._done: list[_Done] = []
        self._places = itertools.count()

    def listen(self, listener: Listener) -> None:
        """Tells ``listener`` from now on what every method changed, before the method returns.

        The first one may raise an exception: then nothing is changed, and the others are told nothing.
        """
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
        """Holds the lock, and tells the listeners what was changed meanwhile; undoes it where that fails."""
        with self._lock:
            try:
                yield
                changes = [done.change for done in self._done]
                for listener in self._listeners if changes else ():
                    listener(changes)
            except BaseException:
                self._undo()
                raise
            finally:
                self._done.clear()

    def _undo(self) -> None:
        """Has everything be as it was before the changes that are noted."""
        done = self._done.copy()
        for (kind, account, key, before, _), place in reversed(done):
            room = self._rooms.setdefault((kind, account), self._room(kind, account))
            room.put_back(key, before, place)
        for kind, account in {(change.kind, change.account) for change, _ in done}:
            self._room(kind, account).sort()
            self._drop_if_empty(kind, account)

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
            return _Room(kind, account, self._done, self._places)
        self._rooms.move_to_end((kind, account))
        return room

    def _drop_if_empty(self, kind: str, account: str) -> None:
        if not self._room(kind, account).values:
            self._rooms.pop((kind, account), None)


class _Room:
    """The values of one kind and account, and how many bytes they are as JSON. Notes what is done."""

    def __init__(self, kind: str, account: str, done: list[_Done], places: Iterator[int]) -> None:
        self.values: OrderedDict[str, Value] = OrderedDict()
        self._name = (kind, account)
        self._done = done
        self._new_places = places
        self._places: dict[str, int] = {}
        self._sizes: dict[str, int] = {}
        self._bytes = 0

    def put(self, key: str, value: Value) -> None:
        size = len(json.dumps(value))
        self._note(key, value)
        self._bytes += size - self._sizes.get(key, 0)
        self._sizes[key] = size
        if key not in self._places:
            self._places[key] = next(self._new_places)
        self.values[key] = value

    def remove(self, key: str) -> bool:
        if key not in self.values:
            return False
        self._note(key, None)
        self._forget(key)
        return True

    def clear(self) -> None:
        for key in list(self.values):
            self.remove(key)

    def shrink(self, capacity: int, most_bytes: int) -> None:
        while len(self.values) > capacity or self._bytes > most_bytes:
            self.remove(next(iter(self.values)))

    def put_back(self, key: str, value: Value | None, place: int) -> None:
        """Has a value be what it was; ``sort`` it in afterwards."""
        self._forget(key)
        if value is not None:
            self.values[key], self._places[key] = value, place
            self._sizes[key] = len(json.dumps(value))
            self._bytes += self._sizes[key]

    def sort(self) -> None:
        """Has the values stand in the order they came."""
        for key in sorted(self.values, key=self._places.__getitem__):
            self.values.move_to_end(key)

    def _note(self, key: str, after: Value | None) -> None:
        change = Change(*self._name, key, self.values.get(key), after)
        self._done.append(_Done(change, self._places.get(key, 0)))

    def _forget(self, key: str) -> None:
        self._bytes -= self._sizes.pop(key, 0)
        self._places.pop(key, None)
        self.values.pop(key, None)
