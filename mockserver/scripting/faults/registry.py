"""The faults of a server, by account, and the choice of the one that hits a request."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from mockserver.errors import ApiError
from mockserver.scripting.faults.definition import FaultError, define
from mockserver.scripting.faults.fault import Fault
from mockserver.scripting.faults.header import HEADER, document_of
from mockserver.scripting.faults.kinds import concerns

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.errors import ErrorTable
    from mockserver.matching.facts import LiveRequest

__all__ = ["Fault", "FaultError", "FaultStatus", "Faults"]

_MAX_FAULTS = 10_000
_MAX_HEADERS = 1_000  # ``x-mock-fault`` headers with counters; the least recently used is evicted
_MAX_ACCOUNTS = 4_096  # accounts with counters, of each fault; the least recently used is evicted
_ALWAYS = (float("-inf"), float("inf"))


class FaultStatus(NamedTuple):
    """A fault, its account (``None``: all), how many requests it has ``seen`` and how many of them it ``hits``."""

    fault: Fault
    account_id: str | None
    hits: int
    seen: int


class _Count(Struct):
    seen: int = 0
    hits: int = 0


class _Entry(Struct):
    """A fault and its counters, by account. ``order`` grows with time."""

    fault: Fault
    order: int = 0
    counts: OrderedDict[str, _Count] = field(default_factory=OrderedDict)

    def is_used_up(self, account_id: str) -> bool:
        count = self.counts.get(account_id)
        return self.fault.times is not None and count is not None and count.hits >= self.fault.times

    def try_hit(self, account_id: str) -> Fault | None:
        """Count a request of an account. Return the fault if it hits the request."""
        if self.is_used_up(account_id):
            return None
        count = self.counts.setdefault(account_id, _Count())
        self.counts.move_to_end(account_id)
        if len(self.counts) > _MAX_ACCOUNTS:
            self.counts.popitem(last=False)
        count.seen += 1
        fault = self.fault
        if count.seen % fault.every:
            return None
        if fault.probability < 1 and fault.chance("hit", count.seen).random() >= fault.probability:
            return None
        count.hits += 1
        return replace(fault, nth_request=count.seen)

    def status(self, owner: str | None, account_id: str | None) -> FaultStatus:
        counts = self.counts.values() if account_id is None else [self.counts.get(account_id, _Count())]
        return FaultStatus(
            self.fault, owner, sum(each.hits for each in counts), sum(each.seen for each in counts)
        )

    def rows(self, account_id: str | None) -> dict[str, list[int]]:
        """Return ``seen`` and ``hits`` by account, of one account or of all."""
        return {
            id_: [count.seen, count.hits] for id_, count in self.counts.items() if account_id in (None, id_)
        }

    def restore(self, rows: Mapping[str, list[int]], account_id: str | None) -> None:
        """Put back the counts of ``rows``; all of them for one account if it is given."""
        self.counts.update({account_id or id_: _Count(*numbers) for id_, numbers in rows.items()})


class Faults:
    """The faults of one server. Thread-safe.

    ``seed`` is the seed of faults without their own; ``endpoints`` are the names that patterns can use.
    """

    def __init__(
        self,
        clock: Clock,
        seed: str,
        errors: ErrorTable,
        endpoints: Collection[str],
    ) -> None:
        self._clock = clock
        self._seed = seed
        self._errors = errors
        self._endpoints = endpoints
        self._lock = threading.Lock()
        self._sets: dict[str | None, dict[str, _Entry]] = {}  # by account and id, oldest first
        self._headers: OrderedDict[str, _Entry] = OrderedDict()
        self._last_order = 0
        self._ids = itertools.count(1)

    def __bool__(self) -> bool:
        """Return whether there are any faults, except those from headers."""
        return bool(self._sets)

    def due(self, facts: LiveRequest, account_id: str, header: str | None) -> Fault | None:
        """Return the fault that hits this request of an account, and count the request. At most one fault hits.

        The fault of the request's ``header`` (``x-mock-fault``) is tried first, then those of the account and of all
        accounts, most recent first. Faults after the one that hits do not count the request.
        Raises ``ApiError`` (``bad_mock_header``).
        """
        if header is None and not self._sets:
            return None
        for entry in self._candidates(account_id, header):
            fault = entry.fault
            if not entry.is_used_up(account_id) and self._is_in_time(fault) and concerns(fault, facts):
                with self._lock:
                    hit = entry.try_hit(account_id)
                if hit is not None:
                    return hit
        return None

    def add(self, document: Mapping[str, Any], account_id: str | None) -> Fault:
        """Add a fault that satisfies its schema, or replace the one with the same id.

        Raises ``FaultError`` and ``PatternError`` (both ``ValueError``) if it is invalid.
        """
        fault = self._define(document, document.get("id") or self._new_id(account_id))
        with self._lock:
            if sum(map(len, self._sets.values())) >= _MAX_FAULTS:
                raise FaultError(f"There are {_MAX_FAULTS} faults already. Delete some.")
            self._put(fault, account_id)
        return fault

    def visible(self, account_id: str | None) -> list[FaultStatus]:
        """Return the faults that apply to an account (``None``: all), with its counts, in the order they are tried."""
        with self._lock:
            found = sorted(self._visible(account_id), key=lambda each: -each[1].order)
            return [entry.status(owner, account_id) for owner, entry in found]

    def get(self, id_: str, account_id: str | None) -> FaultStatus | None:
        """Return the fault with that id; an account's own takes precedence over one for all accounts."""
        with self._lock:
            found = self._find(id_, account_id)
            return found and found[1].status(found[0], account_id)

    def remove(self, id_: str, account_id: str | None) -> bool:
        """Remove an account's fault with that id; without an account, any account's. Return whether there was one."""
        with self._lock:
            found = self._find(id_, account_id)
            if found is None or account_id not in (None, found[0]):
                return False
            self._drop(id_, found[0])
            return True

    def reset(self, account_id: str | None) -> None:
        """Remove an account's faults and reset its counters (``None``: of all accounts)."""
        with self._lock:
            self._forget(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return an account's faults and counters, or all, as JSON. One account's can be restored to another."""
        with self._lock:
            rows = [
                {
                    "account": owner,
                    "document": {**entry.fault.document, "id": entry.fault.id},
                    "order": entry.order,
                    "counts": entry.rows(account_id),
                }
                for owner, entry in self._visible(account_id)
            ]
            return {"faults": rows, "headers": {t: e.rows(account_id) for t, e in self._headers.items()}}

    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the faults and counters of an account, or of all, by a ``snapshot``.

        Raises ``ValueError`` as ``add`` does, and then changes nothing.
        """
        faults = [self._define(row["document"], row["document"]["id"]) for row in state["faults"]]
        with self._lock:
            self._forget(account_id)
            for row, fault in zip(state["faults"], faults, strict=True):
                if row["account"] is None and account_id is not None:
                    entry = self._sets.get(None, {}).get(fault.id)
                else:
                    entry = self._put(fault, account_id or row["account"], row["order"])
                if entry is not None:
                    entry.restore(row["counts"], account_id)
            for header, counts in state["headers"].items():
                self._of_header(header).restore(counts, account_id)

    def _define(self, document: Mapping[str, Any], id_: str) -> Fault:
        return define(
            document,
            id_,
            seed=self._seed,
            errors=self._errors,
            endpoints=self._endpoints,
        )

    def _candidates(self, account_id: str, header: str | None) -> list[_Entry]:
        """Return the faults that may hit a request of an account, in the order they are tried."""
        with self._lock:
            of_header = [] if header is None else [self._of_header(header)]
            in_sets = (entries.values() for id_ in (account_id, None) if (entries := self._sets.get(id_)))
            ordered = sorted(itertools.chain.from_iterable(in_sets), key=lambda entry: -entry.order)
        return of_header + ordered

    def _of_header(self, header: str) -> _Entry:
        """Return the fault of a header, the same object for equal headers. Raises ``ApiError``."""
        entry = self._headers.get(header)
        if entry is None:
            try:
                fault = self._define(document_of(header), HEADER)
            except ValueError as error:
                raise ApiError("bad_mock_header", message=f"{HEADER}: {error}") from error
            entry = self._headers[header] = _Entry(fault)
            if len(self._headers) > _MAX_HEADERS:
                self._headers.popitem(last=False)
        self._headers.move_to_end(header)
        return entry

    def _is_in_time(self, fault: Fault) -> bool:
        return (fault.since, fault.until) == _ALWAYS or fault.since <= self._clock.now() < fault.until

    def _visible(self, account_id: str | None) -> Iterator[tuple[str | None, _Entry]]:
        """Yield the faults that apply to an account, or all of them, each with its account."""
        for owner, entries in self._sets.items():
            if account_id is None or owner in (None, account_id):
                for entry in entries.values():
                    yield owner, entry

    def _find(self, id_: str, account_id: str | None) -> tuple[str | None, _Entry] | None:
        found = [(owner, entry) for owner, entry in self._visible(account_id) if entry.fault.id == id_]
        return max(found, key=lambda each: each[0] is not None, default=None)

    def _put(self, fault: Fault, owner: str | None, order: int | None = None) -> _Entry:
        entry = _Entry(fault, self._last_order + 1 if order is None else order)
        self._last_order = max(self._last_order, entry.order)
        entries = self._sets.setdefault(owner, {})
        entries.pop(fault.id, None)
        entries[fault.id] = entry
        return entry

    def _drop(self, id_: str, owner: str | None) -> None:
        del self._sets[owner][id_]
        if not self._sets[owner]:
            del self._sets[owner]

    def _forget(self, account_id: str | None) -> None:
        if account_id is None:
            self._sets.clear()
            self._headers.clear()
            return
        self._sets.pop(account_id, None)
        for entry in (*self._sets.get(None, {}).values(), *self._headers.values()):
            entry.counts.pop(account_id, None)

    def _new_id(self, owner: str | None) -> str:
        taken = self._sets.get(owner, {})
        return next(id_ for number in self._ids if (id_ := f"fault-{number}") not in taken)
