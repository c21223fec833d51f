"""The use of stubs by accounts: how often each stub has answered, and the states of scenarios."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.scripting.stubs.stub import Stub

STARTED = "started"  # the state in which every scenario begins
_MAX_ACCOUNTS = 4096  # accounts with counters; the least recently used is evicted


class _Counters(Struct):
    """The counters of one account: the uses of each stub, and the state of each scenario."""

    used: dict[str, int] = {}
    scenarios: dict[str, str] = {}


class StubUse:
    """The counters and scenarios of every account. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: OrderedDict[str, _Counters] = OrderedDict()

    def used(self, stub: Stub, account_id: str | None) -> int:
        """Return how often a stub has answered an account, or all accounts."""
        with self._lock:
            counters = self._counters.values() if account_id is None else [self._counted(account_id)]
            return sum(each.used.get(stub.counter, 0) for each in counters)

    def scenarios(self, account_id: str) -> dict[str, str]:
        """Return the states of an account's scenarios that have changed, by name."""
        with self._lock:
            return dict(self._counted(account_id).scenarios)

    def set_scenario(self, account_id: str, name: str, state: str) -> None:
        """Set the state of an account's scenario."""
        with self._lock:
            self._counters_of(account_id).scenarios[name] = state

    def is_due(self, stub: Stub, account_id: str) -> bool:
        """Return whether the stub's scenario is in the right state, and its ``times`` are not used up."""
        if "times" not in stub.document and not stub.scenario:
            return True
        counters = self._counters.get(account_id) or _Counters()
        if counters.used.get(stub.counter, 0) >= stub.document.get("times", float("inf")):
            return False
        wanted = stub.scenario.get("state")
        return wanted is None or counters.scenarios.get(stub.scenario["name"], STARTED) == wanted

    def why_not(self, stub: Stub, account_id: str) -> str:
        """Return the reason why a stub is not due."""
        times = stub.document.get("times")
        if times is not None and self.used(stub, account_id) >= times:
            return f"times: has answered {times} of {times} times"
        state = self.scenarios(account_id).get(stub.scenario["name"], STARTED)
        return f"scenario: wanted {stub.scenario['state']!r}, is {state!r}"

    def take(self, stub: Stub, account_id: str) -> int | None:
        """Count a use of the stub. Return how often it was used before, or ``None`` if it is not due any more."""
        with self._lock:
            if not self.is_due(stub, account_id):
                return None
            counters = self._counters_of(account_id)
            used = counters.used.get(stub.counter, 0)
            counters.used[stub.counter] = used + 1
            if "next" in stub.scenario:
                counters.scenarios[stub.scenario["name"]] = stub.scenario["next"]
            return used

    def give_back(self, stub: Stub, account_id: str) -> None:
        """Undo the count of a use of the stub, because the request was refused."""
        with self._lock:
            counters, scenario = self._counted(account_id), stub.scenario
            counters.used[stub.counter] = max(counters.used.get(stub.counter, 0) - 1, 0)
            if "state" in scenario and counters.scenarios.get(scenario["name"]) == scenario.get("next"):
                counters.scenarios[scenario["name"]] = scenario["state"]

    def forget(self, stub: Stub) -> None:
        """Reset the counters of a stub."""
        with self._lock:
            for account_id, counters in self._counters.items():
                if stub.account_id in (None, account_id):
                    counters.used.pop(stub.counter, None)

    def clear(self, account_id: str | None) -> None:
        """Reset all counters and scenarios of an account, or of every account."""
        with self._lock:
            if account_id is None:
                self._counters.clear()
            else:
                self._counters.pop(account_id, None)

    def rows(self, account_id: str | None) -> dict[str, Any]:
        """Return the counters and scenarios of an account, or of all, as JSON values by account."""
        with self._lock:
            return {
                id_: {"used": dict(each.used), "scenarios": dict(each.scenarios)}
                for id_, each in self._counters.items()
                if account_id in (None, id_)
            }

    def restore(self, rows: Mapping[str, Any], account_id: str | None) -> None:
        """Restore the result of ``rows``; all of it for one account if it is given."""
        with self._lock:
            for id_, row in rows.items():
                self._counters[account_id or id_] = _Counters(dict(row["used"]), dict(row["scenarios"]))

    def _counters_of(self, account_id: str) -> _Counters:
        counters = self._counters.setdefault(account_id, _Counters())
        self._counters.move_to_end(account_id)
        if len(self._counters) > _MAX_ACCOUNTS:
            self._counters.popitem(last=False)
        return counters

    def _counted(self, account_id: str) -> _Counters:
        return self._counters.get(account_id) or _Counters()
