"""The entries that are in flight: what has happened in them so far, and their ends."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from mockserver.journal.entries import decoded, encoded
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.journal.entries import Progress
    from mockserver.journal.record import Record
    from mockserver.state.presence import Presence
    from mockserver.state.protocols import Log, LogEntry

log = logging.getLogger(__name__)


class InFlight:
    """The entries of a log that are in flight. Thread-safe.

    The progress of those of this process is in its memory; other processes see what was last written, if the log
    ``is_shared``. An entry whose process was killed has ended.
    """

    def __init__(self, entries: Log, presence: Presence, *, is_shared: bool) -> None:
        self._log = entries
        self._presence = presence
        self._is_shared = is_shared
        self._finishing = threading.Lock()
        self._begun: dict[int, tuple[bytes, Progress]] = {}  # by place
        self._unwritten: dict[int, bytes] = {}  # final records of entries

    def begin(self, record: Record, progress: Progress) -> int:
        """Add the entry of an exchange. Return its place. Raises ``StateFailed``."""
        data = encoded(record)
        place = self._log.append(record.id, record.account_id, data, self._presence.name)
        self._begun[place] = (data, progress)
        return place

    def write_progress(self, place: int) -> None:
        """Write the progress of an entry, without the events of a session, for other processes."""
        if not self._is_shared:
            return
        with self._finishing:
            if place in self._begun:
                data, progress = self._begun[place]
                record = decoded(data)
                progress.apply_to(record, events=False)
                try:
                    self._log.replace(place, encoded(record), self._presence.name)
                except StateFailed as error:
                    log.debug("the progress of an exchange was not written: %s", error)

    def finish(self, place: int, record: Record) -> None:
        """Replace the record of an entry by the final one, now or by ``write_late``."""
        data = encoded(record)
        with self._finishing:
            try:
                self._log.replace(place, data)
            except StateFailed as error:
                log.warning(
                    "The end of %s %s is not in the journal yet: %s", record.method, record.path, error
                )
                self._unwritten[place] = data
            self._begun.pop(place, None)

    def write_late(self) -> None:
        """Write the ends of entries that could not be written before. Raises ``StateFailed``."""
        for place, data in list(self._unwritten.items()):
            self._log.replace(place, data)
            del self._unwritten[place]

    def record_of(self, entry: LogEntry, *, events: bool) -> Record:
        """Return the current record of an entry of the log, of a session with its ``events`` or without."""
        record = decoded(entry.data)
        begun = self._begun.get(entry.place)
        if begun is not None:
            begun[1].apply_to(record, events=events)
        elif entry.owner and not self._presence.lives(entry.owner):
            record.in_flight = False
        return record

    def read_again(self, entry: LogEntry) -> LogEntry:
        """Return an entry as it is in the log now, if it was in flight in this process and has ended since."""
        if entry.owner != self._presence.name or entry.place in self._begun:
            return entry
        found = self._log.entries(None, after=entry.place - 1, before=entry.place + 1)
        return found[0] if found else entry
