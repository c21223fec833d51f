"""The log of the journal: entries in order, within bounds, the same in every store."""

from __future__ import annotations

import itertools
import multiprocessing
import tracemalloc
from collections.abc import Callable
from functools import partial
from threading import Event, Thread

import pytest

from mockserver.state.memory.log import MemoryLog
from mockserver.state.protocols import Bounds, Log, LogEntry
from mockserver.state.shared import SharedState, open_shared
from tests.state.processes import in_processes
from tests.waiting import eventually

ANN, BOB = "org-ann/proj_ann", "org-bob/proj_bob"
ROOM = 1 << 20
OVERHEAD = 10
BOUNDS = Bounds(150, ROOM, OVERHEAD)

OpenLog = Callable[[Bounds], Log]


@pytest.fixture
def opened(shared: SharedState) -> OpenLog:
    """Return a function that opens the log of the test."""
    return lambda bounds: shared.open_log("test", bounds)


@pytest.fixture
def log(opened: OpenLog) -> Log:
    """Return a log with room for a thousand entries."""
    return opened(Bounds(1_000, ROOM, OVERHEAD))


def filled(log: Log, ids: str, account: str | None = ANN) -> Log:
    """Return the log with an entry for each letter."""
    for each in ids:
        log.append(each, account, each.encode())
    return log


def ids(log: Log, account: str | None = None) -> str:
    return "".join(each.id for each in log.entries(account))


def test_entries_are_in_the_order_in_which_they_were_appended(log: Log) -> None:
    first, second = log.append("a", ANN, b"\x00{\xff", "process-1"), log.append("b", None, b"")
    assert first < second
    assert log.entries(None) == [
        LogEntry(first, "a", ANN, b"\x00{\xff", "process-1"),
        LogEntry(second, "b", None, b"", ""),
    ]


def test_an_account_has_its_own_entries_only(log: Log) -> None:
    for letters, account in (("ab", ANN), ("cd", BOB), ("e", None), ("f", ANN)):
        filled(log, letters, account)
    assert (ids(log, ANN), ids(log, BOB), ids(log)) == ("abf", "cd", "abcdef")


def test_the_latest_entry_with_an_id_is_found(log: Log) -> None:
    filled(log, "ab", ANN)
    latest = log.append("a", ANN, b"again")
    log.append("a", BOB, b"Bob's")
    found = log.find(ANN, "a")
    assert found == LogEntry(latest, "a", ANN, b"again")
    assert log.find(None, "a") == log.find(BOB, "a")
    assert log.find(BOB, "b") is None


def test_an_entry_that_is_replaced_keeps_its_place(log: Log) -> None:
    filled(log, "a")
    place = log.append("b", ANN, b"begun", "process-1")
    filled(log, "c")
    log.replace(place, b"progress", "process-1")
    assert log.find(None, "b") == LogEntry(place, "b", ANN, b"progress", "process-1")
    log.replace(place, b"ended")
    assert log.find(None, "b") == LogEntry(place, "b", ANN, b"ended", "")
    assert ids(log) == "abc"


def test_an_entry_that_is_gone_is_not_replaced(log: Log) -> None:
    place = log.append("a", ANN, b"begun", "process-1")
    log.delete(None)
    log.replace(place, b"ended")
    assert log.entries(None) == []
    assert log.state().bytes == 0


def test_entries_after_a_place_are_those_that_came_later(log: Log) -> None:
    filled(log, "ab")
    filled(log, "c", BOB)
    place = log.append("d", ANN, b"")
    filled(log, "ef")
    filled(log, "g", BOB)
    assert [each.id for each in log.entries(ANN, after=place)] == ["e", "f"]
    assert [each.id for each in log.entries(None, after=log.state().first)] == [*"bcdefg"]
    assert log.entries(None, after=log.state().last) == []


def test_entries_before_a_place_are_those_that_came_earlier(log: Log) -> None:
    places = [log.append(each, BOB if each == "c" else ANN, b"") for each in "abcdef"]
    assert [each.id for each in log.entries(ANN, before=places[4])] == ["a", "b", "d"]
    assert [each.id for each in log.entries(None, after=places[0], before=places[4])] == ["b", "c", "d"]
    assert log.entries(None, before=places[0]) == []


def test_the_first_or_the_last_entries_of_a_part_are_returned_in_order(log: Log) -> None:
    places = [log.append(each, BOB if each == "c" else ANN, b"") for each in "abcdef"]
    assert [each.id for each in log.entries(None, first=2)] == ["a", "b"]
    assert [each.id for each in log.entries(ANN, last=3)] == ["d", "e", "f"]
    assert [each.id for each in log.entries(ANN, before=places[4], last=2)] == ["b", "d"]
    assert [each.id for each in log.entries(ANN, after=places[0], first=2)] == ["b", "d"]
    assert [each.id for each in log.entries(ANN, last=100)] == [*"abdef"]


def test_entries_since_a_version_are_those_that_have_changed(log: Log) -> None:
    place = log.append("a", ANN, b"begun")
    filled(log, "b")
    before = log.state().version
    assert log.changed(None, before) == []
    filled(log, "c")
    log.replace(place, b"ended")
    filled(log, "d", BOB)
    assert [each.id for each in log.changed(ANN, before)] == ["a", "c"]
    assert [each.id for each in log.changed(None, before)] == ["a", "c", "d"]
    assert log.changed(None, log.state().version) == []


def test_entries_until_a_version_have_not_changed_after_it(log: Log) -> None:
    before = log.state().version
    places = [log.append(each, ANN, b"begun") for each in "abc"]
    then = log.state().version
    log.replace(places[1], b"ended")
    filled(log, "d")
    assert [each.id for each in log.changed(ANN, before, until=then)] == ["a", "c"]
    assert [each.id for each in log.changed(ANN, then)] == ["b", "d"]


def test_the_last_of_the_changed_entries_are_the_latest_ones(log: Log) -> None:
    before = log.state().version
    place = log.append("a", ANN, b"begun")
    filled(log, "bcd")
    log.replace(place, b"ended")
    assert [each.id for each in log.changed(ANN, before, last=2)] == ["c", "d"]
    assert [each.id for each in log.changed(None, before, last=100)] == [*"abcd"]


def test_a_log_of_another_time_has_other_deletions(opened: OpenLog) -> None:
    log, other = opened(BOUNDS), MemoryLog(BOUNDS)
    assert log.state().deletions != other.state().deletions


def test_beyond_the_number_of_entries_the_oldest_are_dropped(opened: OpenLog) -> None:
    log = filled(opened(Bounds(2, ROOM, OVERHEAD)), "abcd")
    state = log.state()
    assert ids(log) == "cd"
    assert (state.entries, state.dropped) == (2, 2)
    assert [state.first, state.last] == [each.place for each in log.entries(None)]


def test_beyond_the_bytes_the_oldest_are_dropped(opened: OpenLog) -> None:
    size = len("a") + OVERHEAD
    log = filled(opened(Bounds(1_000, 3 * size, OVERHEAD)), "abcd")
    assert ids(log) == "bcd"
    log.replace(log.state().last, b"d" * (size + 2))
    assert ids(log) == "d"
    assert (log.state().bytes, log.state().dropped) == (2 * size + 1, 3)


def test_an_entry_larger_than_all_bytes_is_dropped(opened: OpenLog) -> None:
    log = opened(Bounds(1_000, ROOM, OVERHEAD))
    log.append("a", ANN, b"a" * ROOM)
    assert log.entries(None) == []
    assert (log.state().entries, log.state().bytes, log.state().dropped) == (0, 0, 1)


def test_every_change_has_a_higher_version(log: Log) -> None:
    versions = [log.state().version]
    place = log.append("a", ANN, b"")
    versions.append(log.state().version)
    log.replace(place, b"a")
    versions.append(log.state().version)
    log.restore([("b", BOB, b"")], BOB)
    versions.append(log.state().version)
    log.delete(ANN)
    versions.append(log.state().version)
    assert versions == sorted(set(versions))


def test_what_is_deleted_is_counted(log: Log) -> None:
    filled(log, "ab", ANN)
    filled(log, "c", BOB)
    before = log.state()
    assert log.delete(ANN) == 2
    assert ids(log) == "c"
    assert log.state().bytes == len("c") + OVERHEAD
    assert log.state().deletions == before.deletions + 1
    assert log.delete(ANN) == 0


def test_dropped_entries_are_forgotten_when_all_are_deleted(opened: OpenLog) -> None:
    log = filled(opened(Bounds(1, ROOM, OVERHEAD)), "abc")
    log.delete(BOB)
    assert log.state().dropped == 2
    log.delete(None)
    assert (log.state().dropped, log.state().entries, log.state().bytes) == (0, 0, 0)
    assert log.state().last == log.state().first - 1
    place = log.append("d", ANN, b"")
    assert (log.state().first, log.state().last) == (place, place)


def test_restored_entries_come_before_those_of_others(log: Log) -> None:
    for letters, account in (("ab", ANN), ("c", BOB), ("d", ANN)):
        filled(log, letters, account)
    log.restore([("x", ANN, b"1"), ("y", ANN, b"2"), ("x", ANN, b"3")], ANN)
    assert ids(log) == "xyxc"
    filled(log, "z", ANN)
    log.restore([("q", BOB, b"")], BOB)
    assert ids(log) == "qxyxz"
    places = [each.place for each in log.entries(None)]
    assert places == sorted(set(places))
    log.restore([], None)
    assert ids(log) == ""


def test_restored_entries_are_dropped_first(opened: OpenLog) -> None:
    log = filled(opened(Bounds(3, ROOM, OVERHEAD)), "ab", BOB)
    log.restore([("x", ANN, b""), ("y", ANN, b"")], ANN)
    assert ids(log) == "yab"
    assert log.state().dropped == 1


def test_who_waits_is_woken_by_a_change(log: Log) -> None:
    version, begun, seen = log.state().version, Event(), []

    def wait() -> None:
        begun.set()
        log.wait(version, 600)
        seen.extend(log.entries(None))

    waiting = Thread(target=wait)
    waiting.start()
    assert begun.wait(60)
    filled(log, "a")
    waiting.join(60)
    assert [each.id for each in seen] == ["a"]


def test_who_waits_for_an_older_version_does_not_wait(log: Log) -> None:
    version = log.state().version
    filled(log, "a")
    log.wait(version, 600)
    log.wait(log.state().version, 0)
    assert ids(log) == "a"


def test_entries_of_many_threads_are_all_there(log: Log) -> None:
    threads = [Thread(target=filled, args=(log, "abcdefghij", account)) for account in (ANN, BOB) * 4]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    places = [each.place for each in log.entries(None)]
    assert len(places) == len(set(places)) == 80
    assert log.state().entries == 80


def test_in_memory_the_size_is_the_memory_taken() -> None:
    texts = [f"{number} " + "x" * 500 for number in range(500)]
    log = MemoryLog(Bounds(1_000, 1 << 30, overhead=350))
    tracemalloc.start()
    for number, text in enumerate(texts):
        log.append(f"req_{number:032}", ANN, text.encode())
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.9 < taken / log.state().bytes < 1.1


def append_hundred(store: str) -> list[int]:
    log = open_shared(store).open_log("test", BOUNDS)
    return [log.append(str(number), ANN, b"data") for number in range(100)]


@pytest.mark.slow
def test_entries_of_several_processes_have_places_of_their_own(several: str) -> None:
    appended = [place for places in in_processes(3, append_hundred, several) for place in places]
    log = open_shared(several).open_log("test", BOUNDS)
    assert len(set(appended)) == 300
    assert [each.place for each in log.entries(None)] == sorted(appended)[150:]
    assert (log.state().entries, log.state().dropped) == (150, 150)


def has_version(log: Log, version: int) -> bool:
    return log.state().version >= version


def append_until_killed(store: str) -> None:
    log = open_shared(store).open_log("test", BOUNDS)
    for number in itertools.count():
        log.replace(log.append(str(number), ANN, b"begun", "process-1"), b"ended", "process-1")


@pytest.mark.slow
def test_a_killed_process_leaves_a_log_whose_numbers_are_right(several: str) -> None:
    log = open_shared(several).open_log("test", BOUNDS)
    for kills in range(1, 6):
        process = multiprocessing.get_context("spawn").Process(target=append_until_killed, args=[several])
        process.start()
        wanted = log.state().version + 100
        assert eventually(partial(has_version, log, wanted))
        process.kill()
        process.join(60)
        entries, state = log.entries(None), log.state()
        assert state.entries == len(entries)
        assert state.bytes == sum(len(each.data) + OVERHEAD for each in entries)
        assert sum(each.data == b"begun" for each in entries) <= kills


def append_one(store: str) -> None:
    open_shared(store).open_log("test", BOUNDS).append("a", ANN, b"data")


@pytest.mark.slow
def test_who_waits_is_woken_by_another_process(several: str) -> None:
    log = open_shared(several).open_log("test", BOUNDS)
    process = multiprocessing.get_context("spawn").Process(target=append_one, args=[several])
    process.start()
    log.wait(log.state().version, 600)
    assert ids(log) == "a"
    process.join(60)
