"""The record of a session that a request opens: its entry in the journal is in flight until the session ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

from mockserver.journal.entries import Progress

if TYPE_CHECKING:
    from mockserver.journal.journal import FileToKeep
    from mockserver.journal.record import RealtimeTurn, Record


class Fill(Protocol):
    """Writes what has happened so far into a record, with the ``events`` or without. Any thread calls it."""

    def __call__(self, record: Record, *, events: bool) -> None:
        """Write it."""
        ...


def _nothing(record: Record, *, events: bool) -> None:
    """Write nothing."""


class Recording(Progress):
    """The progress of a session, which ``fill`` writes.

    ``end`` finishes the entry; it takes whether the client has hung up. ``write`` writes the progress for other
    processes. ``trace_turn`` makes the span of a turn that has ended; it takes the id of the session, the turn, and the
    real seconds that it took. ``keep_audio`` keeps files; it is ``None`` unless the journal keeps audio. Without an
    entry or a span they do nothing.
    """

    fill: Fill = _nothing
    end: Callable[[bool], None] = lambda hung_up: None
    write: Callable[[], None] = lambda: None
    keep_audio: Callable[[Iterable[FileToKeep]], None] | None = None
    trace_turn: Callable[[str, RealtimeTurn, float], None] = lambda session, turn, seconds: None

    def apply_to(self, record: Record, *, events: bool = True) -> None:
        """Write the progress into the record."""
        record.timing.first_byte_ms = self.first_byte_ms
        self.fill(record, events=events)
