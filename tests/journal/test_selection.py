"""Entries that are counted again and again while the log changes."""

from __future__ import annotations

from mockserver.journal.selection import Selection
from mockserver.state.memory.log import MemoryLog
from mockserver.state.protocols import Bounds, LogEntry

ANN, BOB = "org-ann/proj_ann", "org-bob/proj_bob"


class Counting:
    """Counts the entries whose data are ``yes``, and remembers which were looked at."""

    def __init__(self, log: MemoryLog) -> None:
        self.looked: list[str] = []
        self.selection = Selection(log, ANN, self._count)

    def _count(self, entry: LogEntry) -> int:
        self.looked.append(entry.id)
        return int(entry.data == b"yes")


def test_each_entry_is_looked_at_once() -> None:
    log = MemoryLog(Bounds(100, 1_000))
    log.append("a", ANN, b"yes")
    counting = Counting(log)
    assert [counting.selection.count(), counting.selection.count()] == [1, 1]
    log.append("b", ANN, b"no")
    log.append("c", BOB, b"yes")
    log.append("d", ANN, b"yes")
    assert counting.selection.count() == 2
    assert counting.looked == ["a", "b", "d"]
    assert counting.selection.version == log.state().version


def test_an_entry_in_flight_is_looked_at_until_it_has_ended() -> None:
    log = MemoryLog(Bounds(100, 1_000))
    place = log.append("a", ANN, b"no", "process-1")
    counting = Counting(log)
    assert [counting.selection.count(), counting.selection.count()] == [0, 0]
    log.replace(place, b"yes")
    assert [counting.selection.count(), counting.selection.count()] == [1, 1]
    assert counting.looked == ["a", "a", "a"]


def test_entries_that_are_gone_do_not_count() -> None:
    log = MemoryLog(Bounds(2, 1_000))
    counting = Counting(log)
    for each in "abc":
        log.append(each, ANN, b"yes", "process-1" if each == "a" else "")
        counts = counting.selection.count()
    assert counts == 2
    log.delete(BOB)
    assert counting.selection.count() == 2
    log.delete(ANN)
    log.append("d", ANN, b"yes")
    assert counting.selection.count() == 1
