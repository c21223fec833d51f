"""A log in memory."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from mockserver.state.protocols import LogEntry, LogState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.state.protocols import Bounds


class MemoryLog:
    """The entries of a log of one process (``protocols.Log``)."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._changed = threading.Condition()
        self._kept: OrderedDict[int, tuple[LogEntry, int]] = OrderedDict()  # by place, with their versions
        # The same places, the latest change last. A dict is smaller than an OrderedDict.
        self._order: dict[int, None] = {}
        self._next = 0  # place
        self._version = self._bytes = self._dropped = 0
        self._deletions = time.time_ns() // 1_000

    def append(self, entry_id: str, account_id: str | None, data: bytes, owner: str = "") -> int:
        """Append an entry. Return its place."""
        with self._changed:
            place = self._next
            self._next += 1
            self._keep(LogEntry(place, entry_id, account_id, data, owner))
            self._end_change()
            return place

    def replace(self, place: int, data: bytes, owner: str = "") -> None:
        """Replace the data and the owner of the entry at a place, if it is still there."""
        with self._changed:
            kept = self._kept.get(place)
            if kept is not None:
                self._bytes -= self._size(kept[0])
                self._keep(kept[0]._replace(data=data, owner=owner))
                self._end_change()

    def find(self, account_id: str | None, entry_id: str) -> LogEntry | None:
        """Return the latest entry of an account with an id, or ``None``."""
        with self._changed:
            latest = reversed(self._kept.values())
            return next(
                (each for each, _ in latest if each.id == entry_id and _is_of(each, account_id)), None
            )

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
        with self._changed:
            kept = self._kept.values() if last is None else reversed(self._kept.values())
            found = (
                entry
                for entry, _ in kept
                if (after is None or entry.place > after)
                and (before is None or entry.place < before)
                and _is_of(entry, account_id)
            )
            return list(islice(found, first)) if last is None else list(islice(found, last))[::-1]

    def changed(
        self, account_id: str | None, since: int, *, until: int | None = None, last: int | None = None
    ) -> list[LogEntry]:
        """Return the entries of an account that have changed since a version, oldest first; at most the last ones."""
        with self._changed:
            latest = (self._kept[place] for place in reversed(self._order))
            since_then = takewhile(lambda kept: kept[1] > since, latest)
            found = [
                entry
                for entry, version in since_then
                if (until is None or version <= until) and _is_of(entry, account_id)
            ]
        found.sort()
        return found if last is None else found[-last:]

    def state(self) -> LogState:
        """Return the numbers of the log."""
        with self._changed:
            first = next(iter(self._kept), self._next)
            last = next(reversed(self._kept), self._next - 1)
            return LogState(
                self._version, self._deletions, first, last, len(self._kept), self._bytes, self._dropped
            )

    def wait(self, version: int, seconds: float) -> None:
        """Wait until the version is another than ``version``, or for ``seconds``."""
        with self._changed:
            self._changed.wait_for(lambda: self._version != version, seconds)

    def delete(self, account_id: str | None) -> int:
        """Delete the entries of an account. Return how many there were."""
        with self._changed:
            deleted = self._delete(account_id)
            self._end_change()
            return deleted

    def restore(self, entries: Sequence[tuple[str, str | None, bytes]], account_id: str | None) -> None:
        """Replace the entries of an account by these, which take places before those of other accounts."""
        with self._changed:
            self._delete(account_id)
            others, self._kept = self._kept, OrderedDict()
            first = next(iter(others), self._next)
            for place, entry in enumerate(entries, first - len(entries)):
                self._keep(LogEntry(place, *entry))
            self._kept.update(others)
            self._end_change()

    def _size(self, entry: LogEntry) -> int:
        return len(entry.data) + self._bounds.overhead

    def _keep(self, entry: LogEntry) -> None:
        self._kept[entry.place] = (entry, self._version + 1)
        self._order.pop(entry.place, None)
        self._order[entry.place] = None
        self._bytes += self._size(entry)

    def _delete(self, account_id: str | None) -> int:
        self._deletions += 1
        if account_id is None:
            self._dropped = 0
        gone = [entry for entry, _ in self._kept.values() if _is_of(entry, account_id)]
        for entry in gone:
            del self._kept[entry.place], self._order[entry.place]
            self._bytes -= self._size(entry)
        return len(gone)

    def _end_change(self) -> None:
        """Drop the oldest entries beyond the bounds, and wake those who wait."""
        while len(self._kept) > self._bounds.entries or self._bytes > self._bounds.bytes:
            place, (entry, _) = self._kept.popitem(last=False)
            del self._order[place]
            self._bytes -= self._size(entry)
            self._dropped += 1
        self._version += 1
        self._changed.notify_all()


def _is_of(entry: LogEntry, account_id: str | None) -> bool:
    return account_id in (None, entry.account)
