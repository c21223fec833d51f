"""Counts the requests that faults have seen and hit, by account."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.scripting.faults.fault import Fault
    from mockserver.state.protocols import Counters, Value

Counts = dict[str, list[int]]  # the numbers of requests seen and hit, by account

_KIND = "faults"  # of counters: the numbers of requests seen and hit, by the counter of the fault
_OF_HEADER = "header:"
_MAX_HEADERS = (
    1_000  # ``x-mock-fault`` headers that are counted for an account; the least recently used is dropped
)


def counter_of_header(header: str) -> str:
    """Return the counter of the fault of an ``x-mock-fault`` header: equal headers have the same."""
    return _OF_HEADER + header


class FaultCounts:
    """The counts of a server, which all processes share. Thread-safe."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def is_used_up(self, counter: str, account_id: str, times: int) -> bool:
        """Return whether a fault has hit ``times`` requests of an account."""
        _, hits = self._counters.get(_KIND, account_id).get(counter, (0, 0))
        return bool(hits >= times)

    def try_hit(self, counter: str, account_id: str, fault: Fault) -> int | None:
        """Count a request of an account. Return its number, from 1, if the fault hits it, else ``None``."""

        def change(value: Value) -> int | None:
            seen, hits = value.pop(counter, (0, 0))
            is_left = fault.times is None or hits < fault.times
            seen += is_left
            is_hit = is_left and _hits(fault, seen)
            value[counter] = [seen, hits + is_hit]
            if len(value) > _MAX_HEADERS and counter.startswith(_OF_HEADER):
                _drop_oldest_header(value)
            return seen if is_hit else None

        return self._counters.change(_KIND, account_id, change)

    def by_counter(self, account_id: str | None) -> dict[str, Counts]:
        """Return the counts of an account, or of all, by counter."""
        accounts = (
            self._counters.all(_KIND)
            if account_id is None
            else {account_id: self._counters.get(_KIND, account_id)}
        )
        found: dict[str, Counts] = {}
        for id_, value in accounts.items():
            for counter, counts in value.items():
                found.setdefault(counter, {})[id_] = list(counts)
        return found

    def of_headers(self, account_id: str | None) -> dict[str, Counts]:
        """Return the counts of an account, or of all, by header."""
        found = self.by_counter(account_id).items()
        return {key.removeprefix(_OF_HEADER): counts for key, counts in found if key.startswith(_OF_HEADER)}

    def forget(self, counter: str, owner: str | None) -> None:
        """Remove the counts of a fault that is not there any more; ``owner`` is its account, ``None``: all."""
        accounts = [id_ for id_, value in self._counters.all(_KIND).items() if counter in value]
        for account_id in accounts if owner is None else [owner]:
            self._counters.change(_KIND, account_id, partial(_remove, counter))

    def clear(self, account_id: str | None) -> None:
        """Remove the counts of an account, or all."""
        self._counters.clear(_KIND, account_id)

    def restore(self, counts: Mapping[str, Counts], account_id: str | None) -> None:
        """Replace the counts by those of ``by_counter``; all of them become those of one account if it is given."""
        self.clear(account_id)
        accounts: dict[str, Value] = {}
        for counter, rows in counts.items():
            for id_, numbers in rows.items():
                accounts.setdefault(account_id or id_, {})[counter] = list(numbers)
        for id_, value in accounts.items():
            self._counters.change(_KIND, id_, partial(_replace, value))


def _hits(fault: Fault, seen: int) -> bool:
    """Return whether a fault hits the request with this number."""
    if seen % fault.every:
        return False
    return fault.probability >= 1 or fault.chance("hit", seen).random() < fault.probability


def _drop_oldest_header(value: Value) -> None:
    headers = [each for each in value if each.startswith(_OF_HEADER)]
    if len(headers) > _MAX_HEADERS:
        del value[headers[0]]


def _remove(counter: str, value: Value) -> None:
    value.pop(counter, None)


def _replace(restored: Value, value: Value) -> None:
    value.clear()
    value.update(restored)
