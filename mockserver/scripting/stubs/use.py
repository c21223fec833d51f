"""The use of stubs by accounts: how often each stub has answered, and the states of scenarios."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.scripting.stubs.stub import Stub
    from mockserver.state.protocols import Counters, Value

STARTED = "started"  # the state in which every scenario begins

_KIND = "stubs"  # of counters: the uses by counter of the stub (``used``), the states by name (``scenarios``)


class StubUse:
    """The uses of stubs and the scenarios of every account, which all processes share. Thread-safe."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def used(self, stub: Stub, account_id: str | None) -> int:
        """Return how often a stub has answered an account, or all accounts."""
        return self.all_used(account_id)[stub.counter]

    def all_used(self, account_id: str | None) -> Counter[str]:
        """Return how often stubs have answered an account, or all accounts, by their counters."""
        if account_id is not None:
            return Counter(self._counters.get(_KIND, account_id).get("used", {}))
        used: Counter[str] = Counter()
        for value in self._counters.all(_KIND).values():
            used.update(value.get("used", {}))
        return used

    def scenarios(self, account_id: str) -> dict[str, str]:
        """Return the states of an account's scenarios that have changed, by name."""
        return dict(self._counters.get(_KIND, account_id).get("scenarios", {}))

    def all_scenarios(self) -> dict[str, dict[str, str]]:
        """Return ``scenarios`` of every account that stubs have answered or whose scenarios have changed, by id."""
        return {id_: dict(value.get("scenarios", {})) for id_, value in self._counters.all(_KIND).items()}

    def set_scenario(self, account_id: str, name: str, state: str) -> None:
        """Set the state of an account's scenario."""

        def change(value: Value) -> None:
            value.setdefault("scenarios", {})[name] = state

        self._counters.change(_KIND, account_id, change)

    def is_due(self, stub: Stub, account_id: str) -> bool:
        """Return whether the stub's scenario is in the right state, and its ``times`` are not used up."""
        if "times" not in stub.document and not stub.scenario:
            return True
        return _is_due(self._counters.get(_KIND, account_id), stub)

    def why_not(self, stub: Stub, account_id: str) -> str:
        """Return the reason why a stub is not due."""
        times = stub.document.get("times")
        if times is not None and self.used(stub, account_id) >= times:
            return f"times: has answered {times} of {times} times"
        state = self.scenarios(account_id).get(stub.scenario["name"], STARTED)
        return f"scenario: wanted {stub.scenario['state']!r}, is {state!r}"

    def take(self, stub: Stub, account_id: str) -> int | None:
        """Count a use of the stub. Return how often it was used before, or ``None`` if it is not due any more."""

        def change(value: Value) -> int | None:
            if not _is_due(value, stub):
                return None
            used = _used(value, stub)
            value.setdefault("used", {})[stub.counter] = used + 1
            if "next" in stub.scenario:
                value.setdefault("scenarios", {})[stub.scenario["name"]] = stub.scenario["next"]
            return used

        return self._counters.change(_KIND, account_id, change)

    def give_back(self, stub: Stub, account_id: str) -> None:
        """Undo the count of a use of the stub, because the request was refused."""

        def change(value: Value) -> None:
            scenarios, scenario = value.get("scenarios", {}), stub.scenario
            value.setdefault("used", {})[stub.counter] = max(_used(value, stub) - 1, 0)
            if "state" in scenario and scenarios.get(scenario["name"]) == scenario.get("next"):
                scenarios[scenario["name"]] = scenario["state"]

        self._counters.change(_KIND, account_id, change)

    def forget(self, stub: Stub) -> None:
        """Remove the counters of a stub that is not there any more."""

        def change(value: Value) -> None:
            value.get("used", {}).pop(stub.counter, None)

        accounts = self._counters.all(_KIND) if stub.account_id is None else {stub.account_id: None}
        for account_id, value in accounts.items():
            if value is None or stub.counter in value.get("used", {}):
                self._counters.change(_KIND, account_id, change)

    def clear(self, account_id: str | None) -> None:
        """Reset all counters and scenarios of an account, or of every account."""
        self._counters.clear(_KIND, account_id)

    def rows(self, account_id: str | None, names: Mapping[str, str]) -> dict[str, Any]:
        """Return the counters and scenarios of an account, or of all, as JSON values by account.

        ``names`` are the names of the counters in the result; others are left out.
        """
        found = self._counters.all(_KIND)
        return {
            id_: {
                "used": {names[key]: n for key, n in value.get("used", {}).items() if key in names},
                "scenarios": dict(value.get("scenarios", {})),
            }
            for id_, value in found.items()
            if account_id in (None, id_)
        }

    def restore(
        self, rows: Mapping[str, Any], account_id: str | None, counter_of: Callable[[str, str], str | None]
    ) -> None:
        """Replace counters and scenarios by those of ``rows``; all of them become those of one account if it is given.

        ``counter_of`` returns the counter that an account has by that name now; others are left out.
        """
        self.clear(account_id)
        for id_, row in rows.items():
            owner = account_id or id_
            counted = ((counter_of(owner, name), n) for name, n in row["used"].items())
            used = {counter: n for counter, n in counted if counter}
            self._counters.change(
                _KIND, owner, partial(_replace, {"used": used, "scenarios": row["scenarios"]})
            )


def _replace(restored: Value, value: Value) -> None:
    value.update(restored)


def _used(value: Value, stub: Stub) -> int:
    used: int = value.get("used", {}).get(stub.counter, 0)
    return used


def _is_due(value: Value, stub: Stub) -> bool:
    if _used(value, stub) >= stub.document.get("times", float("inf")):
        return False
    wanted = stub.scenario.get("state")
    return wanted is None or value.get("scenarios", {}).get(stub.scenario["name"], STARTED) == wanted
