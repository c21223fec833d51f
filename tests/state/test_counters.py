"""Counters: small objects by kind and account, which requests change atomically."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mockserver.state.protocols import Counters
from mockserver.state.shared import SharedState, open_shared
from mockserver.state.sqlite.counters import SqliteCounters
from mockserver.state.sqlite.database import Database
from tests.state.processes import in_processes

KIND = "uses"


@pytest.fixture
def counters(shared: SharedState) -> Counters:
    return shared.counters


@pytest.fixture
def many_switches() -> Iterator[None]:
    """Let the interpreter switch between threads as often as it can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def count(value: dict[str, Any]) -> int:
    """Count up; return the number before."""
    value["n"] = value.get("n", 0) + 1
    before: int = value["n"] - 1
    return before


def test_a_change_returns_its_result_and_is_kept(counters: Counters) -> None:
    assert [counters.change(KIND, "ann", count) for _ in range(3)] == [0, 1, 2]
    assert counters.get(KIND, "ann") == {"n": 3}
    assert counters.get(KIND, "bob") == {} == counters.get("costs", "ann")


def test_a_change_that_fails_changes_nothing(counters: Counters) -> None:
    def fail(value: dict[str, Any]) -> None:
        value["n"] = 7
        raise ValueError("no")

    counters.change(KIND, "ann", count)
    with pytest.raises(ValueError, match="no"):
        counters.change(KIND, "ann", fail)
    assert counters.get(KIND, "ann") == {"n": 1}


def test_an_object_that_becomes_empty_is_gone(counters: Counters) -> None:
    counters.change(KIND, "ann", count)
    counters.change(KIND, "ann", lambda value: value.clear())
    assert counters.all(KIND) == {}


def test_all_come_in_the_order_of_their_last_changes(counters: Counters) -> None:
    for account in ("ann", "bob", "cid", "ann"):
        counters.change(KIND, account, count)
    counters.change("costs", "dan", count)
    assert list(counters.all(KIND).items()) == [("bob", {"n": 1}), ("cid", {"n": 1}), ("ann", {"n": 2})]


def test_one_account_or_all_can_be_cleared(counters: Counters) -> None:
    for account in ("ann", "bob", "cid"):
        counters.change(KIND, account, count)
    counters.change("costs", "ann", count)
    counters.clear(KIND, "bob")
    assert list(counters.all(KIND)) == ["ann", "cid"]
    counters.clear(KIND, None)
    assert counters.all(KIND) == {}
    assert counters.all("costs") == {"ann": {"n": 1}}


def test_what_is_got_is_not_what_is_changed(counters: Counters) -> None:
    counters.change(KIND, "ann", lambda value: value.update(deep={"n": [1]}))
    before = counters.get(KIND, "ann")
    counters.change(KIND, "ann", lambda value: value["deep"]["n"].append(2))
    assert before == {"deep": {"n": [1]}}


def test_threads_count_each_number_once(counters: Counters) -> None:
    with ThreadPoolExecutor(8) as threads:
        numbers = list(threads.map(lambda _: counters.change(KIND, "ann", count), range(400)))
    assert sorted(numbers) == list(range(400))


@pytest.mark.usefixtures("many_switches")
def test_an_object_can_be_got_while_it_is_changed(counters: Counters) -> None:
    counters.change(KIND, "ann", count)
    stop = Event()

    def count_until_stopped() -> None:
        while not stop.is_set():
            counters.change(KIND, "ann", count)

    with ThreadPoolExecutor(1) as threads:
        counting = threads.submit(count_until_stopped)
        seen = [counters.get(KIND, "ann").get("n", 0) for _ in range(2_000)]
        stop.set()
    counting.result()
    assert seen == sorted(seen)
    assert seen[0] > 0


def test_the_accounts_that_were_changed_least_recently_are_dropped(tmp_path: Path) -> None:
    counters = SqliteCounters(Database(tmp_path / "store.db"), max_accounts=10)
    counters.change("costs", "ann", count)
    for number in range(25):
        counters.change(KIND, "always", count)
        counters.change(KIND, str(number), count)
    assert counters.get(KIND, "always") == {"n": 25}
    assert set(map(str, range(16, 25))) < set(counters.all(KIND))
    assert len(counters.all(KIND)) <= 11
    assert counters.all("costs") == {"ann": {"n": 1}}


def count_often(store: str) -> list[int]:
    counters = open_shared(store).counters
    return [counters.change(KIND, "ann", count) for _ in range(500)]


@pytest.mark.slow
def test_processes_count_each_number_once(several: str) -> None:
    numbers = [number for counted in in_processes(3, count_often, several) for number in counted]
    assert sorted(numbers) == list(range(1500))
