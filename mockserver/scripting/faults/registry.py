"""The faults of a server, by account, and the choice of the one that hits a request."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from mockserver.errors import ApiError
from mockserver.replicas import Replicated, replicated
from mockserver.scripting.faults.counts import FaultCounts, counter_of_header
from mockserver.scripting.faults.definition import FaultError, define
from mockserver.scripting.faults.fault import Fault
from mockserver.scripting.faults.header import HEADER, document_of
from mockserver.scripting.faults.kinds import concerns
from mockserver.scripting.switching import switched

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.errors import ErrorTable
    from mockserver.matching.facts import LiveRequest
    from mockserver.state.protocols import Counters

__all__ = ["Fault", "FaultError", "FaultStatus", "Faults"]

_MAX_FAULTS = 10_000
_MAX_HEADERS = (
    1_000  # faults of ``x-mock-fault`` headers that are remembered; the least recently used is evicted
)
_ALWAYS = (float("-inf"), float("inf"))


class FaultStatus(NamedTuple):
    """A fault, its account (``None``: all), how many requests it has ``seen`` and how many of them it ``hits``."""

    fault: Fault
    account_id: str | None
    hits: int
    seen: int


class _Entry(Struct, frozen=True):
    """A fault and the key of its counters, another one whenever it is replaced. ``order`` grows with time."""

    fault: Fault
    counter: str
    order: int = 0


class Faults(Replicated):
    """The faults of one server. Thread-safe.

    ``seed`` is the seed of faults without their own; ``endpoints`` are the names that patterns can use.
    """

    def __init__(
        self,
        clock: Clock,
        seed: str,
        errors: ErrorTable,
        endpoints: Collection[str],
        counters: Counters,
    ) -> None:
        self.counts = FaultCounts(counters)
        self._clock = clock
        self._seed = seed
        self._errors = errors
        self._endpoints = endpoints
        self._lock = threading.Lock()
        self._sets: dict[str | None, dict[str, _Entry]] = {}  # by account and id, oldest first
        self._headers: OrderedDict[str, _Entry] = OrderedDict()
        self._last_order = self._last_counter = self._last_id = 0

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
            is_left = fault.enabled and (
                fault.times is None or not self.counts.is_used_up(entry.counter, account_id, fault.times)
            )
            if is_left and self._is_in_time(fault) and concerns(fault, facts):
                nth_request = self.counts.try_hit(entry.counter, account_id, fault)
                if nth_request is not None:
                    return replace(fault, nth_request=nth_request)
        return None

    def add(self, document: Mapping[str, Any], account_id: str | None) -> Fault:
        """Add a fault that satisfies its schema, or replace the one with the same id.

        Raises ``FaultError`` and ``PatternError`` (both ``ValueError``) if it is invalid.
        """
        fault, before = self._add(document, account_id)
        if before is not None:
            self.counts.forget(before.counter, account_id)
        return fault

    def check(self, document: Mapping[str, Any]) -> None:
        """Raise ``ValueError`` as ``add`` does if a fault that satisfies its schema is invalid."""
        self._define(document, "")

    def visible(self, account_id: str | None) -> list[FaultStatus]:
        """Return the faults that apply to an account (``None``: all), with its counts, in the order they are tried."""
        with self._lock:
            found = sorted(self._visible(account_id), key=lambda each: -each[1].order)
        counts = self.counts.by_counter(account_id)
        return [_status(owner, entry, counts.get(entry.counter, {})) for owner, entry in found]

    def get(self, id_: str, account_id: str | None) -> FaultStatus | None:
        """Return the fault with that id; an account's own takes precedence over one for all accounts."""
        with self._lock:
            found = self._find(id_, account_id)
        if found is None:
            return None
        owner, entry = found
        return _status(owner, entry, self.counts.by_counter(account_id).get(entry.counter, {}))

    def remove(self, id_: str, account_id: str | None) -> bool:
        """Remove an account's fault with that id; without an account, any account's. Return whether there was one."""
        with self._lock:
            found = self._find(id_, account_id)
        if found is None or account_id not in (None, found[0]) or not self._remove(id_, found[0]):
            return False
        self.counts.forget(found[1].counter, found[0])
        return True

    def switch(self, id_: str, account_id: str | None, enabled: bool) -> None:
        """Enable or disable an account's fault, which keeps its counters; without an account, any account's."""
        with self._lock:
            found = self._find(id_, account_id)
        if found is not None and account_id in (None, found[0]):
            self._switch(id_, found[0], enabled)

    def reset(self, account_id: str | None) -> None:
        """Remove an account's faults and reset its counters (``None``: of all accounts)."""
        self.clear(account_id)
        self.counts.clear(account_id)

    @replicated
    def clear(self, account_id: str | None) -> None:
        """Remove the faults of an account, or of all."""
        with self._lock:
            self._forget(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return an account's faults and counters, or all, as JSON. One account's can be restored to another."""
        counts = self.counts.by_counter(account_id)
        with self._lock:
            rows = [
                {
                    "account": owner,
                    "document": {**entry.fault.document, "id": entry.fault.id},
                    "order": entry.order,
                    "counts": counts.get(entry.counter, {}),
                }
                for owner, entry in self._visible(account_id)
            ]
        return {"faults": rows, "headers": self.counts.of_headers(account_id)}

    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the faults and counters of an account, or of all, by a ``snapshot``.

        Raises ``ValueError`` as ``add`` does, and then changes nothing.
        """
        self.restore_definitions(state, account_id)
        self.restore_counts(state, account_id)

    @replicated
    def restore_definitions(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the faults of an account, or of all, by those of a ``snapshot``, without their counters.

        Raises ``ValueError`` as ``add`` does, and then changes nothing.
        """
        faults = [self._define(row["document"], row["document"]["id"]) for row in state["faults"]]
        with self._lock:
            self._forget(account_id)
            for row, fault in zip(state["faults"], faults, strict=True):
                if row["account"] is not None or account_id is None:
                    self._put(fault, account_id or row["account"], row["order"])

    def restore_counts(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the counters of an account, or of all, by those of a ``snapshot``, whose faults are restored."""
        counts = {counter_of_header(header): rows for header, rows in state["headers"].items()}
        with self._lock:
            for row in state["faults"]:
                owner = None if row["account"] is None else account_id or row["account"]
                entry = self._sets.get(owner, {}).get(row["document"]["id"])
                if entry is not None:
                    counts[entry.counter] = row["counts"]
        self.counts.restore(counts, account_id)

    def replica_state(self) -> dict[str, Any]:
        """Return the faults, and the numbers that were given."""
        with self._lock:
            return {
                "faults": [
                    [owner, entry.fault.id, dict(entry.fault.document), entry.counter, entry.order]
                    for owner, entry in self._visible(None)
                ],
                "last": [self._last_order, self._last_counter, self._last_id],
            }

    def set_replica_state(self, state: Mapping[str, Any]) -> None:
        """Have the faults of another registry."""
        sets: dict[str | None, dict[str, _Entry]] = {}
        for owner, id_, document, counter, order in state["faults"]:
            sets.setdefault(owner, {})[id_] = _Entry(self._define(document, id_), counter, order)
        with self._lock:
            self._sets = sets
            self._last_order, self._last_counter, self._last_id = state["last"]

    @replicated
    def _add(self, document: Mapping[str, Any], owner: str | None) -> tuple[Fault, _Entry | None]:
        """Add a fault. Return it, and the one that it replaces."""
        with self._lock:
            fault = self._define(document, document.get("id") or self._new_id(owner))
            if sum(map(len, self._sets.values())) >= _MAX_FAULTS:
                raise FaultError(f"There are {_MAX_FAULTS} faults already. Delete some.")
            before = self._sets.get(owner, {}).get(fault.id)
            self._put(fault, owner)
        return fault, before

    @replicated
    def _switch(self, id_: str, owner: str | None, enabled: bool) -> None:
        with self._lock:
            entry = self._sets.get(owner, {}).get(id_)
            if entry is not None:
                fault = self._define(switched(entry.fault.document, enabled), id_)
                self._sets[owner][id_] = replace(entry, fault=fault)

    @replicated
    def _remove(self, id_: str, owner: str | None) -> bool:
        with self._lock:
            faults = self._sets.get(owner, {})
            if faults.pop(id_, None) is None:
                return False
            if not faults:
                del self._sets[owner]
            return True

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
            entry = self._headers[header] = _Entry(fault, counter_of_header(header))
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

    def _put(self, fault: Fault, owner: str | None, order: int | None = None) -> None:
        self._last_counter += 1
        order = self._last_order + 1 if order is None else order
        self._last_order = max(self._last_order, order)
        entries = self._sets.setdefault(owner, {})
        entries.pop(fault.id, None)
        entries[fault.id] = _Entry(fault, str(self._last_counter), order)

    def _forget(self, account_id: str | None) -> None:
        if account_id is None:
            self._sets.clear()
        else:
            self._sets.pop(account_id, None)

    def _new_id(self, owner: str | None) -> str:
        taken = self._sets.get(owner, {})
        while True:
            self._last_id += 1
            id_ = f"fault-{self._last_id}"
            if id_ not in taken:
                return id_


def _status(owner: str | None, entry: _Entry, counts: Mapping[str, list[int]]) -> FaultStatus:
    seen, hits = (sum(each) for each in zip(*counts.values(), strict=True)) if counts else (0, 0)
    return FaultStatus(entry.fault, owner, hits, seen)
