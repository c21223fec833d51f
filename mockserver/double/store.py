"""Where what outlives a request is kept: in memory, by kind and account, bounded.

Values are plain data (JSON values), so that another store could keep them elsewhere.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

Value = dict[str, Any]

_CAPACITY = 10_000  # values of one kind and account; the oldest make room


class MemoryStore:
    """Keeps values by kind, account and key. Each method is atomic. Values are copied neither in nor out."""

    def __init__(self, capacity: int = _CAPACITY) -> None:
        self._capacity = capacity
        self._lock = threading.Lock()
        self._rooms: dict[tuple[str, str], OrderedDict[str, Value]] = {}

    def put(self, kind: str, account: str, key: str, value: Value) -> None:
        """Keeps ``value``, replacing one of the same key."""
        with self._lock:
            room = self._rooms.setdefault((kind, account), OrderedDict())
            room[key] = value
            while len(room) > self._capacity:
                room.popitem(last=False)

    def get(self, kind: str, account: str, key: str) -> Value | None:
        """The value of ``key``, or ``None``."""
        with self._lock:
            return self._rooms.get((kind, account), OrderedDict()).get(key)

    def update(self, kind: str, account: str, key: str, change: Callable[[Value], Value]) -> Value | None:
        """Replaces the value of ``key`` by what ``change`` makes of it; the new one, or ``None``."""
        with self._lock:
            room = self._rooms.get((kind, account), OrderedDict())
            if key not in room:
                return None
            room[key] = change(room[key])
            return room[key]

    def remove(self, kind: str, account: str, key: str) -> bool:
        """Forgets ``key``; whether there was one."""
        with self._lock:
            return self._rooms.get((kind, account), OrderedDict()).pop(key, None) is not None

    def values(self, kind: str, account: str) -> list[Value]:
        """All values of a kind, oldest first."""
        with self._lock:
            return list(self._rooms.get((kind, account), OrderedDict()).values())
