"""Tasks are done at their time by the clock."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mockserver import schedule as schedules
from mockserver.clock import Clock
from mockserver.schedule import Schedule, Task
from mockserver.state import held_leases
from mockserver.state.disk import StateFailed
from mockserver.state.held_leases import HeldLeases
from mockserver.state.memory.leases import MemoryLeases
from tests.state.processes import two_processes

PATIENCE = 60.0  # seconds
ALONE = HeldLeases(MemoryLeases(), is_alone=True)
A, B, C = (("account", name) for name in "abc")


@contextmanager
def scheduled(
    step: Callable[[Task], float | None], clock: Clock, threads: int = 1, leases: HeldLeases = ALONE
) -> Iterator[Schedule]:
    schedule = Schedule(step, clock, threads, leases)
    yield schedule
    schedule.close()


def test_a_task_waits_for_the_clock() -> None:
    clock, done = Clock(frozen_at=100.0), queue.Queue[Task]()
    with scheduled(done.put, clock) as schedule:
        schedule.add(A, 110.0)
        schedule.add(B, 105.0)
        schedule.add(C)
        assert done.get(timeout=PATIENCE) == C
        clock.advance(5.0)
        assert done.get(timeout=PATIENCE) == B
        clock.advance(5.0)
        assert done.get(timeout=PATIENCE) == A


def test_a_step_says_when_the_task_is_due_again() -> None:
    clock, done = Clock(frozen_at=100.0), queue.Queue[float]()

    def step(task: Task) -> float | None:
        done.put(clock.now())
        return clock.now() + 1.0 if clock.now() < 102.0 else None

    with scheduled(step, clock) as schedule:
        schedule.add(A)
        seen = [done.get(timeout=PATIENCE)]
        while seen[-1] < 102.0:
            clock.advance(1.0)
            seen.append(done.get(timeout=PATIENCE))
    assert seen == [100.0, 101.0, 102.0]


def test_a_task_is_in_one_thread_at_a_time_and_others_go_on_meanwhile() -> None:
    inside, go_on = threading.Semaphore(0), threading.Event()
    running: list[Task] = []

    def step(task: Task) -> None:
        running.append(task)
        inside.release()
        go_on.wait(PATIENCE)

    with scheduled(step, Clock(), threads=2) as schedule:
        schedule.add(A)
        assert inside.acquire(timeout=PATIENCE)
        schedule.add(A)
        schedule.add(B)
        assert inside.acquire(timeout=PATIENCE)
        assert running == [A, B]
        go_on.set()
        assert inside.acquire(timeout=PATIENCE)
        assert running == [A, B, A]


def test_a_step_that_fails_ends_only_its_task(caplog: pytest.LogCaptureFixture) -> None:
    done = queue.Queue[Task]()

    def step(task: Task) -> None:
        if task == A:
            raise RuntimeError("a bug")
        done.put(task)

    with scheduled(step, Clock()) as schedule:
        schedule.add(A)
        schedule.add(B)
        assert done.get(timeout=PATIENCE) == B
    assert "a bug" in caplog.text


def test_after_its_end_nothing_is_done() -> None:
    done: list[Task] = []
    with scheduled(done.append, Clock()) as schedule:
        pass
    schedule.add(A)
    assert done == []


def test_a_clock_that_goes_back_wakes_every_task() -> None:
    clock, done = Clock(frozen_at=100.0), queue.Queue[Task]()
    with scheduled(done.put, clock) as schedule:
        schedule.add(A, 110.0)
        schedule.add(B)
        assert done.get(timeout=PATIENCE) == B
        clock.set(50.0)
        assert done.get(timeout=PATIENCE) == A


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let processes look soon whether the others live."""
    monkeypatch.setattr(schedules, "_OTHERS", 0.05)
    monkeypatch.setattr(held_leases, "_SECONDS", 0.3)


@pytest.mark.usefixtures("quick")
def test_of_several_processes_one_does_a_task_at_a_time(tmp_path: Path) -> None:
    clock, inside = Clock(frozen_at=100.0), threading.Lock()
    done = queue.Queue[float]()

    def step(task: Task) -> float | None:
        assert inside.acquire(blocking=False)
        done.put(clock.now())
        inside.release()
        return clock.now() + 1.0

    with (
        two_processes(tmp_path) as (one, other),
        scheduled(step, clock, leases=one) as here,
        scheduled(step, clock, leases=other) as there,
    ):
        for schedule in (here, there):
            schedule.add(A)
        for _ in range(5):
            for _ in range(2):  # the second process finds out when it is due again
                done.get(timeout=PATIENCE)
            clock.advance(1.0)


@pytest.mark.usefixtures("quick")
def test_another_process_continues_the_task_of_one_that_has_died(tmp_path: Path) -> None:
    done = queue.Queue[Task]()
    with (
        two_processes(tmp_path) as (dead, alive),
        scheduled(done.put, Clock(frozen_at=100.0), leases=alive) as schedule,
    ):
        dead._leases.acquire("batch:account/a", held_leases._SECONDS)
        schedule.add(A)
        schedule.add(B)
        assert done.get(timeout=PATIENCE) == B
        assert done.get(timeout=PATIENCE) == A


@pytest.mark.usefixtures("quick")
def test_a_task_waits_for_a_store_that_cannot_be_reached() -> None:
    done = queue.Queue[Task]()

    class Unreachable(MemoryLeases):
        failures = 2

        def acquire(self, name: str, seconds: float) -> bool:
            if self.failures:
                self.failures -= 1
                raise StateFailed("no connection", "no connection")
            return super().acquire(name, seconds)

    leases = HeldLeases(Unreachable(), is_alone=False)
    with scheduled(done.put, Clock(frozen_at=100.0), leases=leases) as schedule:
        schedule.add(A)
        assert done.get(timeout=PATIENCE) == A
    leases.close()
