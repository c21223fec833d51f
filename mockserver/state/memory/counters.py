"""Counters in memory."""

from __future__ import annotations

import threading
from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.protocols import T, Value

MAX_ACCOUNTS = 65_536  # accounts of a kind; the least recently changed is dropped

_EMPTY: Value = {}
_CONTAINERS = frozenset({dict, list})


class MemoryCounters:
    """Small JSON objects by kind and account (``protocols.Counters``)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: defaultdict[str, OrderedDict[str, Value]] = defaultdict(OrderedDict)

    def get(self, kind: str, account: str) -> Value:
        """Return the object of an account; empty if there is none. It must not be modified.

        It does not wait for changes: before the end of one, it returns the object as it was.
        """
        kept = self._kinds.get(kind)
        return kept.get(account, _EMPTY) if kept else _EMPTY

    def change(self, kind: str, account: str, change: Callable[[Value], T]) -> T:
        """Let ``change`` modify a copy of the object of an account, keep it, and return the result of ``change``."""
        with self._lock:
            kept = self._kinds[kind]
            value = _copy(kept.get(account, _EMPTY))
            result = change(value)
            if value:
                kept[account] = value  # at once, for ``get``
                kept.move_to_end(account)
                if len(kept) > MAX_ACCOUNTS:
                    kept.popitem(last=False)
            else:
                kept.pop(account, None)
            return result

    def all(self, kind: str) -> dict[str, Value]:
        """Return the objects of a kind by account, the least recently changed first."""
        with self._lock:
            return dict(self._kinds[kind])

    def clear(self, kind: str, account: str | None) -> None:
        """Remove the object of an account, or those of all accounts."""
        with self._lock:
            if account is None:
                self._kinds[kind].clear()
            else:
                self._kinds[kind].pop(account, None)


def _copy(value: Value) -> Value:
    """Return a copy of a JSON object. (``copy.deepcopy`` takes twenty times as long.)"""
    copied = dict(value)
    if not _CONTAINERS.isdisjoint(map(type, value.values())):
        for name, each in value.items():
            if type(each) in _CONTAINERS:
                copied[name] = _copied(each)
    return copied


def _copied(value: Any) -> Any:
    if type(value) is dict:
        return _copy(value)
    return [_copied(each) if type(each) in _CONTAINERS else each for each in value]
