"""Lanes: order, numbers, memory, ending."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from mockserver.errors import ApiError
from mockserver.providers.openai.responses import lanes as module
from mockserver.providers.openai.responses.lanes import Lanes
from mockserver.transport.bodies import LARGE, BodyMemory, UploadSlot
from tests.waiting import eventually


def slots(memory: BodyMemory | None = None) -> Callable[[], UploadSlot]:
    return partial(UploadSlot, memory or BodyMemory(1 << 30), 0.0)


def test_a_lane_is_in_order_and_others_run_beside_it() -> None:
    lanes, go = Lanes(2, slots()), threading.Event()
    done: list[str] = []

    def first() -> None:
        go.wait(20)
        done.append("a1")

    lanes.put("a", first, 1)
    lanes.put("a", lambda: done.append("a2"), 1)
    lanes.put(None, lambda: done.append("b"), 1)
    assert eventually(lambda: done == ["b"])
    go.set()
    assert eventually(lambda: done == ["b", "a1", "a2"])
    lanes.close()


def test_no_more_tasks_run_than_allowed() -> None:
    lanes, go = Lanes(3, slots()), threading.Event()
    running: list[int] = []
    most: list[int] = []

    def work(number: int) -> None:
        running.append(number)
        most.append(len(running))
        go.wait(20)
        running.remove(number)

    for number in range(9):
        lanes.put(str(number), partial(work, number), 1)
    assert eventually(lambda: len(running) == 3)
    go.set()
    assert eventually(lambda: len(most) == 9 and not running)
    assert max(most) == 3
    lanes.close()


def test_the_end_drops_what_waits_and_waits_for_what_runs() -> None:
    lanes, go, begun = Lanes(1, slots()), threading.Event(), threading.Event()
    done: list[str] = []

    def work() -> None:
        begun.set()
        go.wait(20)
        done.append("first")

    lanes.put("a", work, 1)
    lanes.put("a", lambda: done.append("second"), 1)
    assert begun.wait(20)
    threading.Timer(0.05, go.set).start()
    lanes.close()
    assert done == ["first"]


def test_who_puts_too_much_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MAX_WAITING", 10)
    lanes, go = Lanes(1, slots()), threading.Event()
    done: list[str] = []

    def first() -> None:
        go.wait(20)

    lanes.put("a", first, 9)
    putting = threading.Thread(target=lanes.put, args=("a", lambda: done.append("late"), 9))
    putting.start()
    putting.join(0.1)
    assert putting.is_alive()
    go.set()
    putting.join(20)
    assert eventually(lambda: done == ["late"])
    lanes.close()


def test_connections_share_the_memory_of_what_waits() -> None:
    memory, go = BodyMemory(2 * LARGE), threading.Event()
    first, second = Lanes(1, slots(memory)), Lanes(1, slots(memory))

    def work() -> None:
        go.wait(20)

    first.put("a", work, 1)
    first.put("a", work, 2 * LARGE)
    with pytest.raises(ApiError, match="overloaded"):
        second.put("a", work, 2 * LARGE)
    second.put("a", work, 1)  # little needs none
    threading.Timer(0.05, go.set).start()
    first.close()  # gives back what is done, and what is dropped
    assert memory.take(2 * LARGE, 0)
    second.close()
