"""The leases of a process: it keeps them until it gives them up, or dies."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.state import held_leases
from mockserver.state.disk import StateFailed
from mockserver.state.held_leases import HeldLeases
from mockserver.state.memory.leases import MemoryLeases
from tests.state.processes import two_processes
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let leases end soon."""
    monkeypatch.setattr(held_leases, "_SECONDS", 0.3)
    monkeypatch.setattr(held_leases, "_BEAT", 0.05)


def test_a_lease_belongs_to_one_process_until_it_gives_it_up(tmp_path: Path) -> None:
    with two_processes(tmp_path) as (one, other):
        assert one.take("batch")
        assert one.take("batch")
        assert not other.take("batch")
        assert other.is_held("batch")
        other.give_up("batch")
        assert not other.take("batch")
        one.give_up("batch")
        assert other.take("batch")


def test_a_lease_is_extended_as_long_as_its_process_lives(tmp_path: Path) -> None:
    with two_processes(tmp_path) as (one, other):
        one.take("batch")
        extended: list[float] = []
        acquire = one._leases.acquire

        def counted(name: str, seconds: float) -> bool:
            extended.append(seconds)
            return acquire(name, seconds)

        one._leases.acquire = counted  # type: ignore[method-assign]
        assert eventually(lambda: len(extended) > 10)  # longer than it lasts
        assert not other.take("batch")


def test_another_process_takes_the_leases_of_one_that_has_died(tmp_path: Path) -> None:
    with two_processes(tmp_path) as (one, other):
        one._leases.acquire("batch", held_leases._SECONDS)  # and nobody extends it
        assert not other.take("batch")
        assert eventually(lambda: other.take("batch"))


def test_a_process_that_ends_gives_its_leases_up(tmp_path: Path) -> None:
    with two_processes(tmp_path) as (one, other):
        one.take("batch")
        one.take("job")
        one.close()
        assert other.take("batch")
        assert other.take("job")


def test_a_process_that_was_too_slow_reports_that_another_one_has_its_lease(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with two_processes(tmp_path) as (one, other):
        one.take("batch")
        one._leases.release("batch")  # as if it had ended
        assert eventually(lambda: other.take("batch"))
        assert eventually(lambda: "Another process has taken over batch" in caplog.text or not one._held)


class Unreachable(MemoryLeases):
    """Leases in a store that cannot be reached."""

    is_down = False

    def acquire(self, name: str, seconds: float) -> bool:
        if self.is_down:
            raise StateFailed("no connection", "no connection")
        return super().acquire(name, seconds)

    def release(self, name: str) -> None:
        if self.is_down:
            raise StateFailed("no connection", "no connection")
        super().release(name)


def test_a_store_that_cannot_be_reached_for_a_moment_is_asked_again() -> None:
    leases = Unreachable()
    held = HeldLeases(leases, is_alone=False)
    held.take("batch")
    leases.is_down = True
    with pytest.raises(StateFailed):
        held.take("job")
    held.give_up("job")
    leases.is_down = False
    leases._held.clear()
    assert eventually(lambda: leases.is_held("batch"))
    held.close()
    assert not leases.is_held("batch")


def test_the_only_process_has_every_lease() -> None:
    held = HeldLeases(MemoryLeases(), is_alone=True)
    assert held.take("batch")
    assert not held.is_held("batch")
    held.give_up("batch")
    held.close()
