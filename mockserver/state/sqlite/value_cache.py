"""Values that were read from the database, so that they are not parsed again while they do not change."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mockserver.state.protocols import Value

_MAX_BYTES = 1 << 26  # bytes of the cached values, as JSON

Name = tuple[str, str, str]  # kind, account and key


class _Cached(NamedTuple):
    version: int
    value: Value
    size: int


class ValueCache:
    """The values that were used most recently, each with the version that it has in the database. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cached: OrderedDict[Name, _Cached] = OrderedDict()
        self._bytes = 0

    def get(self, name: Name) -> tuple[int, Value | None]:
        """Return the version and the value of a name; 0 and ``None`` if it is not cached."""
        with self._lock:
            found = self._cached.get(name)
            return (0, None) if found is None else found[:2]

    def read(self, name: Name, version: int, stored: bytes) -> Value:
        """Return the value that the database has as ``stored``, the same object as before for the same version."""
        cached, value = self.get(name)
        if cached == version and value is not None:
            return value
        parsed: Value = json.loads(stored)
        self.put(name, version, parsed, len(stored))
        return parsed

    def put(self, name: Name, version: int, value: Value, size: int) -> None:
        """Cache a value."""
        with self._lock:
            before = self._cached.pop(name, None)
            self._cached[name] = _Cached(version, value, size)
            self._bytes += size - (before.size if before else 0)
            while self._bytes > _MAX_BYTES:
                _, dropped = self._cached.popitem(last=False)
                self._bytes -= dropped.size
