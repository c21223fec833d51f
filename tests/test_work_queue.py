"""Background work: in order, a few tasks at a time, with a bounded queue."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator

import pytest

from mockserver.work_queue import QueueFull, WorkQueue

PATIENCE = 60.0  # seconds


class Gate:
    """A task that waits until it is released."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.opened = threading.Event()

    def __call__(self) -> None:
        self.begun.set()
        assert self.opened.wait(PATIENCE)


@pytest.fixture
def gate() -> Iterator[Gate]:
    held = Gate()
    yield held
    held.opened.set()


def test_work_is_done_in_the_order_it_came(gate: Gate) -> None:
    queue, done, over = WorkQueue(1, 10), [], threading.Event()
    queue.submit(object(), gate)
    for number in range(3):
        queue.submit(number, lambda number=number: done.append(number))  # type: ignore[misc]
    queue.submit(object(), over.set)
    gate.opened.set()
    assert over.wait(PATIENCE)
    assert done == [0, 1, 2]


def test_so_many_pieces_are_worked_on_at_a_time() -> None:
    queue, gates = WorkQueue(2, 1), [Gate(), Gate(), Gate()]
    for gate in gates:
        queue.submit(object(), gate)
    assert all(gate.begun.wait(PATIENCE) for gate in gates[:2])
    assert not gates[2].begun.is_set()
    for gate in gates:
        gate.opened.set()
    assert gates[2].begun.wait(PATIENCE)


def test_more_than_may_wait_is_refused(gate: Gate) -> None:
    queue = WorkQueue(1, 1)
    queue.submit(object(), gate)
    queue.submit(object(), gate)
    with pytest.raises(QueueFull):
        queue.submit(object(), gate)
    queue.submit(object(), gate, bounded=False)


def test_work_that_fails_ends_no_thread(caplog: pytest.LogCaptureFixture) -> None:
    queue, over = WorkQueue(1, 10), threading.Event()

    def fail() -> None:
        raise RuntimeError("a mistake")

    with caplog.at_level(logging.CRITICAL):
        queue.submit(object(), fail)
        queue.submit(object(), over.set)
        assert over.wait(PATIENCE)


def test_nothing_is_begun_once_it_is_closed(gate: Gate) -> None:
    queue, never = WorkQueue(1, 10), Gate()
    queue.submit(object(), gate)
    assert gate.begun.wait(PATIENCE)
    queue.submit(object(), never)
    queue.close()
    gate.opened.set()
    assert not never.begun.wait(0.05)


def test_work_of_the_same_key_is_done_once_at_a_time(gate: Gate) -> None:
    queue, never = WorkQueue(1, 10), Gate()
    queue.submit("key", gate)
    queue.submit("key", never)
    over = threading.Event()
    queue.submit("other", over.set)
    gate.opened.set()
    assert over.wait(PATIENCE)
    assert not never.begun.is_set()
    queue.submit("key", never)
    never.opened.set()
    assert never.begun.wait(PATIENCE)
