"""What happens to the entries of a log that someone listens to, from a version of the log on."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from mockserver import json_styles
from mockserver.journal.record import Record

if TYPE_CHECKING:
    from mockserver.state.protocols import Log, LogEntry, LogState

_MOST = 50  # entries reported at once; of more changes, only the latest are reported
_LOOK = 0.5  # seconds between two looks at the progress of entries that are in flight
_CURSOR = re.compile(r"([0-9]{1,19})-([0-9]{1,19})")

Select = Callable[["LogEntry"], Record | None]
Show = Callable[[Record], bytes]


class BadCursor(ValueError):
    """A text that is no cursor."""


class Kind(StrEnum):
    """What happened. The values are the names of the events."""

    ENTRY = "entry"  # an entry was added or has changed
    REMOVED = "removed"  # an entry that was reported is not selected any more
    SKIPPED = "skipped"  # there were too many changes to report each
    DELETED = "deleted"  # entries were deleted or restored, or the cursor is of another log


class News(NamedTuple):
    """Something that happened. ``data`` is JSON."""

    kind: Kind
    data: bytes = b"{}"


class _Reported(NamedTuple):
    """An entry in flight that was reported, and as what."""

    entry: LogEntry
    data: bytes


def cursor_of(state: LogState) -> str:
    """Return the text that stands for a state of a log."""
    return f"{state.deletions}-{state.version}"


class Listener:
    """Reports what happens to the entries of an account after a ``cursor``, or from now on without one.

    ``select`` returns the record of an entry that is listened to, ``None`` for others; ``show`` returns its JSON. Of
    more than 50 changes at once the latest are reported. Raises ``BadCursor``. For one thread.
    """

    def __init__(
        self, log: Log, account_id: str | None, select: Select, show: Show, cursor: str = ""
    ) -> None:
        self._log = log
        self._account_id = account_id
        self._select = select
        self._show = show
        self._in_flight: dict[int, _Reported] = {}  # by place
        self._looked = 0.0
        state = log.state()
        self._deletions, self._version = state.deletions, state.version
        if cursor:
            parts = _CURSOR.fullmatch(cursor)
            if parts is None:
                raise BadCursor(cursor)
            self._deletions, self._version = int(parts[1]), int(parts[2])

    @property
    def cursor(self) -> str:
        """Return the cursor after what was reported."""
        return f"{self._deletions}-{self._version}"

    def wait(self, seconds: float) -> None:
        """Wait until something has changed, or for ``seconds``."""
        self._log.wait(self._version, seconds)

    def news(self) -> list[News]:
        """Return what has happened since the last call. Raises ``StateFailed``."""
        state = self._log.state()
        self._deletions = self._deletions or state.deletions  # in Redis, an empty log has none yet
        if state.deletions != self._deletions or state.version < self._version:
            self._deletions, self._version = state.deletions, state.version
            self._in_flight.clear()
            return [News(Kind.DELETED)]
        news = self._changes(state.version) if state.version != self._version else []
        now = time.monotonic()
        if now - self._looked >= _LOOK:
            self._looked = now
            news += self._progress(state.first)
        self._version = state.version  # only now: if the store fails, the changes are reported later
        return news

    def _changes(self, until: int) -> list[News]:
        changed = self._log.changed(self._account_id, self._version, until=until, last=_MOST + 1)
        news: list[News] = []
        if len(changed) > _MOST:
            news.append(News(Kind.SKIPPED))
            self._in_flight.clear()  # their ends may be among what is skipped
        for entry in changed[-_MOST:]:
            news += self._reported(entry)
        return news

    def _progress(self, first: int) -> list[News]:
        """Report the entries in flight that look different; forget those that are gone from the log."""
        for place in [place for place in self._in_flight if place < first]:
            del self._in_flight[place]
        news: list[News] = []
        for reported in list(self._in_flight.values())[-_MOST:]:
            news += self._reported(reported.entry)
        return news

    def _reported(self, entry: LogEntry) -> list[News]:
        """Return the news of an entry: none if it was reported as it is."""
        before = self._in_flight.pop(entry.place, None)
        record = self._select(entry)
        if record is None:
            return [] if before is None else [News(Kind.REMOVED, json_styles.compact({"id": entry.id}))]
        data = self._show(record)
        if record.in_flight:
            self._in_flight[entry.place] = _Reported(entry, data)
        return [] if before is not None and before.data == data else [News(Kind.ENTRY, data)]
