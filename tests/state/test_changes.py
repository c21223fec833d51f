"""The log of changes, which all processes make in the same order."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from mockserver.replicas import Changes
from mockserver.state.shared import open_shared
from tests.state.processes import in_processes

PATIENCE = 30.0  # seconds


@pytest.fixture
def changes(several: str) -> Iterator[Changes]:
    state = open_shared(several)
    assert state.changes is not None
    yield state.changes
    state.close()


def test_changes_are_numbered_from_1(changes: Changes) -> None:
    assert changes.latest() == 0
    assert changes.after(0) == []
    assert [changes.append(change) for change in (b"a", b"b", b"c")] == [1, 2, 3]
    assert changes.latest() == 3
    assert changes.after(0) == [(1, b"a"), (2, b"b"), (3, b"c")]
    assert changes.after(2) == [(3, b"c")]
    assert changes.after(3) == []


def test_a_snapshot_replaces_the_changes_before_it(changes: Changes) -> None:
    assert changes.snapshot() is None
    for change in (b"a", b"b", b"c"):
        changes.append(change)
    changes.compact(2, b"ab")
    assert changes.snapshot() == (2, b"ab")
    assert changes.after(0) is None
    assert changes.after(2) == [(3, b"c")]
    changes.compact(3, b"abc")
    assert changes.latest() == 3
    assert changes.after(3) == []
    assert changes.after(1) is None
    assert changes.append(b"d") == 4
    assert changes.after(3) == [(4, b"d")]


def test_an_older_snapshot_replaces_no_newer_one(changes: Changes) -> None:
    for change in (b"a", b"b", b"c"):
        changes.append(change)
    changes.compact(3, b"abc")
    changes.compact(2, b"ab")
    assert changes.snapshot() == (3, b"abc")


def test_who_waits_goes_on_with_the_change_of_another_process(changes: Changes, several: str) -> None:
    other = open_shared(several).changes
    assert other is not None
    began = threading.Event()

    def wait() -> int:
        began.set()
        changes.wait(0, PATIENCE)
        return changes.latest()

    with ThreadPoolExecutor() as threads:
        waited = threads.submit(wait)
        assert began.wait(PATIENCE)
        other.append(b"a")
        assert waited.result(PATIENCE) == 1


def test_without_a_change_a_wait_ends(changes: Changes) -> None:
    changes.wait(0, 0.01)
    assert changes.latest() == 0


def append(store: str) -> list[int]:
    changes = open_shared(store).changes
    assert changes is not None
    return [changes.append(b"a") for _ in range(200)]


@pytest.mark.slow
def test_each_number_is_given_once(several: str) -> None:
    numbers = [number for appended in in_processes(3, append, several) for number in appended]
    assert sorted(numbers) == list(range(1, 601))
