"""Properties that are computed once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from mockserver.pipeline.once import once

TIMEOUT = 30  # seconds


class Fact:
    def __init__(self, together: Barrier) -> None:
        self._together = together
        self.computed = 0

    @once
    def value(self) -> int:
        """Return how often it was computed, as soon as two threads compute it."""
        self._together.wait(TIMEOUT)
        self.computed += 1
        return self.computed


def test_it_is_computed_once_for_each_object_and_for_two_objects_at_a_time() -> None:
    together = Barrier(2)
    facts = Fact(together), Fact(together)
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda fact: (fact.value, fact.value), facts)) == [(1, 1), (1, 1)]
    assert [fact.computed for fact in facts] == [1, 1]
