"""An index of stubs: finds those that may match a request without trying all."""

from __future__ import annotations

import heapq
from bisect import insort
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mockserver.matching.conditions import CONDITIONS
from mockserver.matching.patterns import IndexKey, index_values

if TYPE_CHECKING:
    from mockserver.matching.facts import Facts
    from mockserver.scripting.stubs.stub import Stub

_INDEXED = tuple(name for name, condition in CONDITIONS.items() if condition.exact)  # cheapest first

_Row = tuple["Stub", ...]


class StubIndex:
    """Stubs in sorted rows: one for each exact value that patterns ask for, and one for all other stubs.

    Rows are replaced, never changed, so that readers need no lock. Writers must not run concurrently.
    """

    def __init__(self, stubs: Iterable[Stub] = ()) -> None:
        self._exact: dict[IndexKey, _Row] = {}
        self._others: _Row = ()
        self._conditions: Counter[str] = Counter()  # number of stubs indexed by each
        by_key: dict[IndexKey | None, list[Stub]] = {}
        for stub in sorted(stubs, key=rank):
            by_key.setdefault(stub.pattern.index_key, []).append(stub)
        for row in by_key.values():
            self._put(row[0], tuple(row))

    def add(self, stub: Stub) -> None:
        """Add a stub."""
        row = list(self._row_of(stub))
        insort(row, stub, key=rank)
        self._put(stub, tuple(row))

    def remove(self, stub: Stub) -> None:
        """Remove a stub that was added."""
        self._put(stub, tuple(each for each in self._row_of(stub) if each is not stub))

    def candidates(self, facts: Facts) -> Iterator[Stub]:
        """Return the stubs that may match, in the order to try them."""
        rows = [self._others] if self._others else []
        for condition in _INDEXED:
            if self._conditions[condition]:
                keys = (IndexKey(condition, value) for value in index_values(facts, condition))
                rows.extend(self._exact.get(key, ()) for key in keys)
        return iter(rows[0]) if len(rows) == 1 else merged(rows)

    def _row_of(self, stub: Stub) -> _Row:
        key = stub.pattern.index_key
        return self._exact.get(key, ()) if key else self._others

    def _put(self, stub: Stub, row: _Row) -> None:
        """Replace the row of ``stub``."""
        key = stub.pattern.index_key
        if key is None:
            self._others = row
            return
        self._conditions[key.condition] += len(row) - len(self._exact.get(key, ()))
        self._exact[key] = row
        if not row:
            del self._exact[key]


def rank(stub: Stub) -> tuple[int, int]:
    """Return the sort key of a stub: the highest priority first, then the most recent."""
    return -stub.priority, -stub.order


def merged(rows: list[_Row] | list[Iterator[Stub]]) -> Iterator[Stub]:
    """Return the stubs of several rows ordered by ``rank``."""
    return heapq.merge(*rows, key=rank)
