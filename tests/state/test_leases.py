"""Leases: a name has one holder at most, until its lease ends."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.state.shared import SharedState, open_shared
from mockserver.state.sqlite.database import Database
from mockserver.state.sqlite.leases import SqliteLeases
from tests.state.processes import in_processes
from tests.waiting import eventually

HOUR = 3600.0  # seconds


def test_a_name_that_nobody_holds_can_be_taken_and_extended(shared: SharedState) -> None:
    assert not shared.leases.is_held("batches")
    assert shared.leases.acquire("batches", HOUR)
    assert shared.leases.acquire("batches", HOUR)
    assert shared.leases.is_held("batches")
    assert not shared.leases.is_held("jobs")


def test_a_name_that_was_given_up_is_free(shared: SharedState) -> None:
    shared.leases.acquire("batches", HOUR)
    shared.leases.release("batches")
    assert not shared.leases.is_held("batches")
    shared.leases.release("batches")


def test_another_process_cannot_take_or_give_up_what_is_held(several: str) -> None:
    mine, yours = open_shared(several).leases, open_shared(several).leases
    assert mine.acquire("batches", HOUR)
    assert not yours.acquire("batches", HOUR)
    yours.release("batches")
    assert yours.is_held("batches")
    assert yours.acquire("jobs", HOUR)
    mine.release("batches")
    assert yours.acquire("batches", HOUR)


def test_a_lease_ends_by_itself(several: str) -> None:
    mine, yours = open_shared(several).leases, open_shared(several).leases
    assert mine.acquire("batches", 0.05)
    assert eventually(lambda: yours.acquire("batches", HOUR))
    assert not mine.acquire("batches", HOUR)


def test_leases_that_have_ended_take_no_room(tmp_path: Path) -> None:
    database = Database(tmp_path / "store.db")
    time_of_day = iter(range(100))
    leases = SqliteLeases(database, time_of_day=lambda: next(time_of_day))
    for name in ("batches", "jobs", "webhooks"):
        assert leases.acquire(name, 1.0)
    assert database.rows("SELECT name FROM leases") == [("webhooks",)]


def take(store: str) -> bool:
    return open_shared(store).leases.acquire("batches", HOUR)


@pytest.mark.slow
def test_of_several_processes_one_gets_the_lease(several: str) -> None:
    assert sorted(in_processes(3, take, several)) == [False, False, True]
