"""The batch queue: a bound on enqueued tokens."""

from __future__ import annotations

import pytest

from mockserver.limits.queue import BatchQueue, QueueFull
from mockserver.state.memory.counters import MemoryCounters

ME, GROUP = "org-me/proj_me", "gpt-4o-mini"


def test_batches_share_the_queue_of_their_group() -> None:
    queue = BatchQueue(MemoryCounters())
    queue.enter(ME, GROUP, "batch_1", 60, 100)
    queue.enter(ME, GROUP, "batch_2", 40, 100)
    with pytest.raises(QueueFull) as refusal:
        queue.enter(ME, GROUP, "batch_3", 1, 100)
    assert refusal.value.limit == 100
    assert queue.used(ME, GROUP) == 100
    queue.enter(ME, "gpt-4o", "batch_3", 1, 100)
    queue.enter("org-you/proj_you", GROUP, "batch_4", 100, 100)


def test_a_batch_that_ends_makes_room() -> None:
    queue = BatchQueue(MemoryCounters())
    queue.enter(ME, GROUP, "batch_1", 60, 100)
    queue.leave(ME, "batch_1")
    queue.leave(ME, "batch_1")
    assert queue.groups() == []
    queue.enter(ME, GROUP, "batch_2", 100, 100)
    assert queue.groups() == [(ME, GROUP)]


def test_a_batch_that_comes_again_is_counted_once() -> None:
    queue = BatchQueue(MemoryCounters())
    queue.enter(ME, GROUP, "batch_1", 60, 100)
    queue.enter(ME, GROUP, "batch_1", 70, 100)
    assert queue.used(ME, GROUP) == 70


def test_without_a_limit_there_is_always_room() -> None:
    queue = BatchQueue(MemoryCounters())
    queue.enter(ME, GROUP, "batch_1", 10**15, None)
    assert queue.used(ME, GROUP) == 10**15
