"""Searches a log from either end, and stops as soon as there are enough results."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from mockserver.journal.search import Range, search
from mockserver.state.memory.log import MemoryLog
from mockserver.state.protocols import Bounds, LogEntry

ANN, BOB = "org-ann/proj_ann", "org-bob/proj_bob"
MANY = 1_200  # more than are read at once

Found = Callable[..., list[int]]


@pytest.fixture
def found() -> Found:
    """Return a search among the entries 0 to 1199, of which every second is Bob's, for numbers of a divisor."""
    log = MemoryLog(Bounds(MANY, 1 << 20))
    for number, account in zip(range(MANY), itertools.cycle((ANN, BOB)), strict=False):
        log.append(str(number), account, b"")

    def numbers(divisor: int = 1, account: str | None = None, **within: int) -> list[int]:
        def select(entry: LogEntry) -> int | None:
            return int(entry.id) if int(entry.id) % divisor == 0 else None

        return search(log, account, Range(**within), select)

    return numbers


def test_everything_is_found_in_order(found: Found) -> None:
    assert found() == [*range(MANY)]
    assert found(limit=10_000) == [*range(MANY)]
    assert found(after=-1, limit=10_000) == [*range(MANY)]


def test_the_latest_are_found_first(found: Found) -> None:
    assert found(limit=3) == [1197, 1198, 1199]
    assert found(300, limit=3) == [300, 600, 900]
    assert found(before=600, limit=2) == [598, 599]


def test_after_a_place_the_first_are_found_first(found: Found) -> None:
    assert found(after=5, limit=3) == [6, 7, 8]
    assert found(500, after=0, limit=3) == [500, 1000]
    assert found(after=5, before=8, limit=3) == [6, 7]


def test_an_account_has_its_own(found: Found) -> None:
    assert found(account=ANN, limit=2) == [1196, 1198]
    assert found(5, account=BOB, limit=2) == [1185, 1195]


def test_no_more_entries_are_looked_at_than_necessary() -> None:
    log, looked = MemoryLog(Bounds(MANY, 1 << 20)), list[str]()
    for number in range(MANY):
        log.append(str(number), ANN, b"")

    def select(entry: LogEntry) -> str:
        looked.append(entry.id)
        return entry.id

    assert search(log, ANN, Range(limit=2), select) == ["1198", "1199"]
    assert looked == ["1199", "1198"]
