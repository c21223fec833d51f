"""A log in Redis."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mockserver.state.protocols import LogEntry, LogState
from mockserver.state.redis.scripts import script

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.state.protocols import Bounds
    from mockserver.state.redis.scripts import Script
    from mockserver.state.redis.server import Argument, RedisServer

_APPEND, _REPLACE = script("log", "log_append"), script("log", "log_replace")
_DELETE, _RESTORE = script("log", "log_delete"), script("log", "log_restore")
_FIND, _STATE = script("log", "log_find"), script("log", "log_state")
_ENTRIES, _CHANGED = script("log", "log_entries"), script("log", "log_changed")
_NOTED = 10.0  # seconds for which a waiting thread is noted
_PATIENCE = 30.0  # seconds for calls that read or write all entries


class RedisLog:
    """The log with a name in a store in Redis (``protocols.Log``).

    Entries are found by place, id, account and version, each in an index of its own.
    """

    def __init__(self, server: RedisServer, name: str, bounds: Bounds) -> None:
        self._server = server
        self._key = server.key("log", name)
        self._bounds: tuple[Argument, ...] = (
            bounds.entries,
            bounds.bytes,
            bounds.overhead,
            server.address.idle,
        )

    def append(self, entry_id: str, account_id: str | None, data: bytes, owner: str = "") -> int:
        """Append an entry. Return its place."""
        return int(self._change(_APPEND, entry_id, _named(account_id), owner, data))

    def replace(self, place: int, data: bytes, owner: str = "") -> None:
        """Replace the data and the owner of the entry at a place, if it is still there."""
        self._change(_REPLACE, place, owner, data)

    def find(self, account_id: str | None, entry_id: str) -> LogEntry | None:
        """Return the latest entry of an account with an id, or ``None``."""
        found = self._server.run(_FIND, [self._key], entry_id, *_given(account_id))
        return None if found is None else _entry(*found)

    def entries(
        self,
        account_id: str | None,
        *,
        after: int | None = None,
        before: int | None = None,
        first: int | None = None,
        last: int | None = None,
    ) -> list[LogEntry]:
        """Return the entries of an account between two places, oldest first; at most the first or last ones."""
        least, most = "-inf" if after is None else after, "+inf" if before is None else before
        number = _number(first) if last is None else -last
        return self._found(_ENTRIES, least, most, number, *_given(account_id))

    def changed(
        self, account_id: str | None, since: int, *, until: int | None = None, last: int | None = None
    ) -> list[LogEntry]:
        """Return the entries of an account that have changed since a version, oldest first; at most the last ones."""
        most = "+inf" if until is None else until
        return self._found(_CHANGED, since, most, _number(last), *_given(account_id))

    def state(self) -> LogState:
        """Return the numbers of the log."""
        found = self._server.run(_STATE, [self._key])
        version, deletions, following, size, dropped, entries, *ends = map(int, found)
        first, last = ends or (following, following - 1)
        return LogState(version, deletions, first, last, entries, size, dropped)

    def wait(self, version: int, seconds: float) -> None:
        """Wait until the version is another than ``version``, or for ``seconds``.

        A change is put into a stream only if someone has noted that he waits for it.
        """
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._server.call("SET", f"{self._key}:waiting", 1, "PX", round(2 * _NOTED * 1000))
            if int(self._server.call("HGET", self._key, "version") or 0) != version:
                return
            block = min(left, _NOTED)
            milliseconds = max(1, round(block * 1000))
            stream = ("STREAMS", f"{self._key}:wake", f"{version}-0")
            if self._server.wait("XREAD", "BLOCK", milliseconds, *stream, seconds=block):
                return

    def delete(self, account_id: str | None) -> int:
        """Delete the entries of an account. Return how many there were."""
        return int(self._change(_DELETE, *_given(account_id), seconds=_PATIENCE))

    def restore(self, entries: Sequence[tuple[str, str | None, bytes]], account_id: str | None) -> None:
        """Replace the entries of an account by these, which take places before those of other accounts."""
        rows = [part for entry_id, account, data in entries for part in (entry_id, _named(account), data)]
        self._change(_RESTORE, _named(account_id), *rows, seconds=_PATIENCE)

    def _found(self, search: Script, *arguments: Argument) -> list[LogEntry]:
        found = self._server.run(search, [self._key], *arguments, seconds=_PATIENCE)
        return [_entry(place, entry) for place, entry in zip(found[::2], found[1::2], strict=True)]

    def _change(self, change: Script, *arguments: Argument, seconds: float | None = None) -> Any:
        return self._server.run(change, [self._key], *self._bounds, *arguments, seconds=seconds)


def _number(most: int | None) -> int:
    """Return an argument for a number of entries; 0 for all."""
    return 0 if most is None else most


def _given(account_id: str | None) -> tuple[str, ...]:
    return () if account_id is None else (_named(account_id),)


def _named(account_id: str | None) -> str:
    """Return an argument for an account; an empty one for none."""
    return "" if account_id is None else f"={account_id}"


def _entry(place: bytes, entry: bytes) -> LogEntry:
    """Return an entry as ``log.lua`` packs it."""
    line, _, parts = entry.partition(b"\n")
    of_id, of_account, of_owner = (int(each) for each in line.split()[1:])
    second = of_id + max(0, of_account)
    account = None if of_account < 0 else parts[of_id:second].decode()
    owner = parts[second : second + of_owner].decode()
    return LogEntry(int(place), parts[:of_id].decode(), account, parts[second + of_owner :], owner)
