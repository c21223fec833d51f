"""Objects of which every process has a copy: two copies over one log stand for two processes."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from mockserver import replicas
from mockserver.replicas import Replicas, Replicated, Watch, replicated
from mockserver.state.memory.changes import MemoryChanges
from tests.waiting import eventually


class Basket(Replicated):
    """Names, to which changes add others."""

    def __init__(self) -> None:
        self.names: list[str] = []

    @replicated
    def add(self, name: str, *, times: int = 1) -> int:
        if name in self.names:
            raise ValueError(f"{name} is there already")
        self.names += [name] * times
        return len(self.names)

    @replicated
    def add_all(self, names: list[str]) -> None:
        for name in names:
            self.add(name)

    def replica_state(self) -> list[str]:
        return self.names

    def set_replica_state(self, state: list[str]) -> None:
        self.names = state


class Outage(Exception):
    """The log cannot be reached."""


class Log(MemoryChanges):
    """A log that can be away, and lose its content."""

    def __init__(self) -> None:
        super().__init__()
        self.away = False
        self.refused = 0

    def latest(self) -> int:
        self._check()
        return super().latest()

    def append(self, change: bytes) -> int:
        self._check()
        return super().append(change)

    def lose(self) -> None:
        self._changes.clear()

    def _check(self) -> None:
        if self.away:
            self.refused += 1
            raise Outage("no log")


def process(changes: MemoryChanges) -> tuple[Replicas, Basket]:
    """Return the copies of a process, and the only part of them."""
    basket = Basket()
    return Replicas(changes, {"basket": basket}), basket


@pytest.fixture
def changes() -> Log:
    return Log()


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a snapshot replace changes of more than 200 bytes."""
    monkeypatch.setattr(replicas, "_MIN_COMPACTED", 200)


def test_with_one_process_a_method_is_just_called() -> None:
    basket = Basket()
    assert basket.add("apple", times=2) == 2


def test_a_watch_reports_each_change_once() -> None:
    baskets = {"red": Basket(), "blue": Basket()}
    watch = Watch(baskets)
    assert watch.changed() == ["red", "blue"]
    baskets["blue"].add_all(["apple", "pear"])
    assert watch.changed() == ["blue"]
    assert watch.changed() == []
    with pytest.raises(ValueError, match="apple is there already"):
        baskets["blue"].add("apple")
    assert watch.changed() == ["blue"]


@pytest.mark.usefixtures("small")
def test_a_watch_reports_the_changes_of_other_processes(changes: Log) -> None:
    (_, here), (other, there) = process(changes), process(changes)
    watch = Watch({"basket": there})
    watch.changed()
    here.add("apple")
    assert watch.changed() == []
    other.refresh()
    assert watch.changed() == ["basket"]
    for number in range(20):  # of which a snapshot remains
        here.add(f"name {number}")
    other.refresh()
    assert watch.changed() == ["basket"]


def test_a_change_is_made_in_every_process_and_returns_what_it_returns_here(changes: Log) -> None:
    (_, here), (there, copy) = process(changes), process(changes)
    assert here.add("apple", times=2) == 2
    there.refresh()
    assert copy.names == ["apple", "apple"]


def test_changes_of_two_processes_are_made_in_the_same_order(changes: Log) -> None:
    (one, here), (other, there) = process(changes), process(changes)
    here.add("apple")
    assert there.add("pear") == 2
    one.refresh()
    other.refresh()
    assert here.names == there.names == ["apple", "pear"]


def test_a_change_that_fails_is_raised_where_it_was_made_and_changes_nothing(changes: Log) -> None:
    (one, here), (_, there) = process(changes), process(changes)
    here.add("apple")
    with pytest.raises(ValueError, match="apple is there already"):
        there.add("apple")
    there.add("pear")
    one.refresh()
    assert here.names == there.names == ["apple", "pear"]


def test_the_methods_that_a_change_calls_are_a_part_of_it(changes: Log) -> None:
    (_, here), (other, there) = process(changes), process(changes)
    before = changes.latest()
    here.add_all(["apple", "pear"])
    other.refresh()
    assert there.names == ["apple", "pear"]
    assert changes.latest() == before + 1


def test_a_new_process_has_the_changes_before_it(changes: Log) -> None:
    process(changes)[1].add("apple")
    assert process(changes)[1].names == ["apple"]


def test_the_first_process_begins_the_log_with_its_copies(changes: Log) -> None:
    basket = Basket()
    basket.add("apple")
    Replicas(changes, {"basket": basket})
    assert process(changes)[1].names == ["apple"]


def test_of_two_processes_that_begin_at_once_one_begins_the_log() -> None:
    changes = Log()
    _, here = process(changes)
    here.add("apple")
    changes.append(changes.after(0)[0][1])  # type: ignore[index]
    assert process(changes)[1].names == ["apple"]


@pytest.mark.usefixtures("small")
def test_a_new_process_starts_from_a_snapshot_and_the_changes_after_it(changes: Log) -> None:
    _, here = process(changes)
    for number in range(20):
        here.add(f"name {number}")
    assert changes.snapshot() is not None
    assert changes.after(0) is None
    assert process(changes)[1].names == here.names


@pytest.mark.usefixtures("small")
def test_a_process_that_misses_dropped_changes_takes_the_snapshot(changes: Log) -> None:
    (_, here), (_, there) = process(changes), process(changes)
    for number in range(20):
        here.add(f"name {number}")
    assert there.add("the last") == 21
    assert there.names == [*(f"name {number}" for number in range(20)), "the last"]


@pytest.mark.usefixtures("small")
def test_a_large_state_is_written_less_often(changes: Log) -> None:
    _, here = process(changes)
    here.add("n" * 100_000)
    (first, _) = changes.snapshot() or (0, b"")
    for number in range(100):
        here.add(f"name {number}")
    assert changes.snapshot() is not None
    assert (changes.snapshot() or (0, b""))[0] == first


def test_while_the_log_is_away_nothing_changes_and_later_everything_is_made(changes: Log) -> None:
    (_, here), (other, there) = process(changes), process(changes)
    here.add("apple")
    changes.away = True
    with pytest.raises(Outage):
        there.add("pear")
    with pytest.raises(Outage):
        other.refresh()
    assert there.names == []
    changes.away = False
    assert there.add("plum") == 2
    assert there.names == ["apple", "plum"]


def test_a_log_that_has_lost_its_content_begins_again_with_what_processes_have(changes: Log) -> None:
    (one, here), (other, there) = process(changes), process(changes)
    here.add("apple")
    there.add("pear")
    one.refresh()
    changes.lose()
    one.refresh()
    assert there.add("plum") == 3
    one.refresh()
    other.refresh()
    assert here.names == there.names == process(changes)[1].names == ["apple", "pear", "plum"]


def test_a_thread_makes_the_changes_of_others_also_after_an_outage(changes: Log) -> None:
    (_, here), (other, there) = process(changes), process(changes)
    other.start()
    try:
        here.add("apple")
        assert eventually(lambda: there.names == ["apple"])
        changes.away = True
        assert eventually(lambda: changes.refused > 1)
        changes.away = False
        here.add("pear")
        assert eventually(lambda: there.names == ["apple", "pear"])
    finally:
        other.close()


def test_threads_of_two_processes_lead_to_equal_copies(changes: Log) -> None:
    (one, here), (other, there) = process(changes), process(changes)

    def add(basket: Basket, prefix: str) -> None:
        for number in range(50):
            basket.add(f"{prefix} {number}")

    copies: list[tuple[Any, str]] = [(here, "a"), (there, "b"), (here, "c"), (there, "d")]
    threads = [threading.Thread(target=add, args=each) for each in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    one.refresh()
    other.refresh()
    assert here.names == there.names
    assert len(here.names) == 200
