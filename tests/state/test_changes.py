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


def test_changes_have_consecutive_numbers(changes: Changes) -> None:
    assert changes.latest() == 0
    assert changes.after(0) == []
    first, second, third = (changes.append(change) for change in (b"a", b"b", b"c"))
    assert 0 < first == second - 1 == third - 2
    assert changes.latest() == third
    assert changes.after(0) == [(first, b"a"), (second, b"b"), (third, b"c")]
    assert changes.after(second) == [(third, b"c")]
    assert changes.after(third) == []


def test_a_snapshot_replaces_the_changes_before_it(changes: Changes) -> None:
    assert changes.snapshot() is None
    first, second, third = (changes.append(change) for change in (b"a", b"b", b"c"))
    changes.compact(second, b"ab")
    assert changes.snapshot() == (second, b"ab")
    assert changes.after(0) is None
    assert changes.after(second) == [(third, b"c")]
    changes.compact(third, b"abc")
    assert changes.latest() == third
    assert changes.after(third) == []
    assert changes.after(first) is None
    fourth = changes.append(b"d")
    assert changes.after(third) == [(fourth, b"d")]


def test_an_older_snapshot_replaces_no_newer_one(changes: Changes) -> None:
    _, second, third = (changes.append(change) for change in (b"a", b"b", b"c"))
    changes.compact(third, b"abc")
    changes.compact(second, b"ab")
    assert changes.snapshot() == (third, b"abc")


def test_who_waits_goes_on_with_the_change_of_another_process(changes: Changes, several: str) -> None:
    other = open_shared(several).changes
    assert other is not None
    began = threading.Event()

    def wait() -> list[tuple[int, bytes]] | None:
        began.set()
        changes.wait(0, PATIENCE)
        return changes.after(0)

    with ThreadPoolExecutor() as threads:
        waited = threads.submit(wait)
        assert began.wait(PATIENCE)
        number = other.append(b"a")
        assert waited.result(PATIENCE) == [(number, b"a")]


def test_without_a_change_a_wait_ends(changes: Changes) -> None:
    changes.wait(0, 0.01)
    assert changes.latest() == 0


def append(store: str) -> list[int]:
    changes = open_shared(store).changes
    assert changes is not None
    return [changes.append(b"a") for _ in range(200)]


@pytest.mark.slow
def test_each_number_is_given_once(several: str) -> None:
    numbers = sorted(number for appended in in_processes(3, append, several) for number in appended)
    assert numbers == list(range(numbers[0], numbers[0] + 600))
