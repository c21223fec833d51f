"""The record of a session that a request opens: its entry in the journal is in flight until the session ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mockserver.journal.entries import Progress

if TYPE_CHECKING:
    from mockserver.journal.record import Record


class Recording(Progress):
    """The progress of a session. ``fill`` writes what has happened so far into a record; any thread calls it.

    ``end`` finishes the entry, and is told whether the client has hung up. Without an entry it does nothing.
    """

    fill: Callable[[Record], None] = lambda record: None
    end: Callable[[bool], None] = lambda hung_up: None

    def apply_to(self, record: Record) -> None:
        """Write the progress into the record."""
        record.timing.first_byte_ms = self.first_byte_ms
        self.fill(record)
