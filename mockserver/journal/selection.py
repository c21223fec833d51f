"""The entries of a log that are selected, counted again and again while the log changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.protocols import Log, LogEntry


class Selection:
    """How often ``count`` selects the entries of an account. Entries that have ended are counted once.

    ``version`` is that of the log at the last count.
    """

    def __init__(self, log: Log, account_id: str | None, count: Callable[[LogEntry], int]) -> None:
        self._log = log
        self._account_id = account_id
        self._count = count
        self._ended: dict[int, int] = {}  # counts by place
        self._in_flight: dict[int, LogEntry] = {}
        self._deletions = -1
        self.version = -1

    def count(self) -> int:
        """Return the count of all entries that are in the log now."""
        state = self._log.state()
        if state.deletions != self._deletions:
            self._ended, self._in_flight, self.version = {}, {}, -1
            self._deletions = state.deletions
        if state.version != self.version:
            for entry in self._log.changed(self._account_id, self.version):
                self._ended.pop(entry.place, None)
                self._in_flight[entry.place] = entry
            self.version = state.version
        for kept in (self._ended, self._in_flight):
            for place in [place for place in kept if place < state.first]:
                del kept[place]
        counts = {place: self._count(entry) for place, entry in self._in_flight.items()}
        total = sum(self._ended.values()) + sum(counts.values())
        for place in [place for place, entry in self._in_flight.items() if not entry.owner]:
            self._ended[place] = counts[place]
            del self._in_flight[place]
        return total
