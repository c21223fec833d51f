"""Counters in Redis, changed by compare-and-set."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import msgspec

from mockserver.state.disk import StateFailed
from mockserver.state.memory.counters import MAX_ACCOUNTS
from mockserver.state.redis.scripts import script

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.protocols import T, Value
    from mockserver.state.redis.server import RedisServer

_PATIENCE = 10.0  # seconds in which a change must succeed against those of other processes
_LOCKS = 64
_KNOWN = 4_096  # values that this process has seen last

_SET, _ALL, _CLEAR = script("counters_set"), script("counters_all"), script("counters_clear")


class RedisCounters:
    """Small JSON objects by kind and account (``protocols.Counters``).

    A process begins a change with the value that it has seen last, so that a change takes one call of Redis unless
    another process has changed the value meanwhile. Its threads wait for each other instead of trying in vain.
    """

    def __init__(self, server: RedisServer, *, max_accounts: int = MAX_ACCOUNTS) -> None:
        self._server = server
        self._max_accounts = max_accounts
        self._locks = [threading.Lock() for _ in range(_LOCKS)]
        self._seen: dict[str, bytes] = {}

    def get(self, kind: str, account: str) -> Value:
        """Return the object of an account; empty if there is none. It must not be modified."""
        return _decoded(self._server.call("GET", self._key(kind, account)) or b"")

    def change(self, kind: str, account: str, change: Callable[[Value], T]) -> T:
        """Let ``change`` modify the object of an account, and return its result. An empty object is removed."""
        key = self._key(kind, account)
        deadline = time.monotonic() + _PATIENCE
        with self._locks[hash(key) % _LOCKS]:
            before = self._seen.get(key, b"")
            while time.monotonic() < deadline:
                value = _decoded(before)
                try:
                    result = change(value)
                except Exception:
                    found = self._server.call("GET", key) or b""
                    if found == before:
                        raise
                    before = found
                    continue
                after = msgspec.json.encode(value) if value else b""
                found = self._set(kind, account, before, after)
                if found is None:
                    self._remember(key, after)
                    return result
                before = found
        raise StateFailed(f"{kind} of {account} could not be changed: other processes change it all the time")

    def all(self, kind: str) -> dict[str, Value]:
        """Return the objects of a kind by account, the least recently changed first."""
        rows = self._server.run(_ALL, [self._order(kind)], self._key(kind, ""))
        return {account.decode(): _decoded(data) for account, data in zip(rows[::2], rows[1::2], strict=True)}

    def clear(self, kind: str, account: str | None) -> None:
        """Remove the object of an account, or those of all accounts."""
        prefix = self._key(kind, "")
        if account is None:
            self._server.run(_CLEAR, [self._order(kind)], prefix)
        else:
            self._server.run(_CLEAR, [self._order(kind)], prefix, account)

    def _set(self, kind: str, account: str, before: bytes, after: bytes) -> bytes | None:
        """Replace ``before`` by ``after``; if it is not ``before``, return what it is."""
        found: bytes | None = self._server.run(
            _SET,
            [self._key(kind, account), self._order(kind)],
            before,
            after,
            account,
            self._server.address.idle,
            self._max_accounts,
            self._key(kind, ""),
        )
        return found

    def _remember(self, key: str, value: bytes) -> None:
        if len(self._seen) >= _KNOWN:
            self._seen.clear()
        self._seen[key] = value

    def _key(self, kind: str, account: str) -> str:
        return self._server.key("counter", kind, account)

    def _order(self, kind: str) -> str:
        return self._server.key("counters", kind)


def _decoded(data: bytes) -> Value:
    value: Value = msgspec.json.decode(data) if data else {}
    return value
