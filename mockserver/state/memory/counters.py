"""Counters in memory."""

from __future__ import annotations

import copy
import threading
from collections import OrderedDict, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.protocols import T, Value

MAX_ACCOUNTS = 65_536  # accounts of a kind; the least recently changed is dropped

_EMPTY: Value = {}


class MemoryCounters:
    """Small JSON objects by kind and account (``protocols.Counters``)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kinds: defaultdict[str, OrderedDict[str, Value]] = defaultdict(OrderedDict)

    def get(self, kind: str, account: str) -> Value:
        """Return the object of an account; empty if there is none. It must not be modified."""
        return self._kinds[kind].get(account, _EMPTY)

    def change(self, kind: str, account: str, change: Callable[[Value], T]) -> T:
        """Let ``change`` modify a copy of the object of an account, keep it, and return the result of ``change``."""
        with self._lock:
            kept = self._kinds[kind]
            value = copy.deepcopy(kept.get(account, _EMPTY))
            result = change(value)
            kept.pop(account, None)
            if value:
                kept[account] = value
                if len(kept) > MAX_ACCOUNTS:
                    kept.popitem(last=False)
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
