"""Whatever is changed on two servers, in whatever order, their definitions stay equal."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.accounts.settings import AccountSettings
from mockserver.catalog.own_models import OwnModels
from mockserver.catalog.tables import Catalog, CatalogError
from mockserver.clock import Clock
from mockserver.errors import ErrorTable
from mockserver.limits.levels import Levels
from mockserver.limits.policy import Policy
from mockserver.replicas import Replicas, Replicated
from mockserver.scripting.faults.registry import Faults
from mockserver.scripting.stubs.stubs import Stubs
from mockserver.settings.model import Settings, SettingsError
from mockserver.state.memory.changes import MemoryChanges
from mockserver.state.memory.counters import MemoryCounters

CATALOG, ERRORS = Catalog(), ErrorTable()
ACCOUNTS = st.sampled_from([None, "ann", "bob"])
IDS = st.sampled_from([None, "stub-2", "fault-2", "mine"])
ENDPOINTS = {"chat": frozenset({"chat"})}

Step = Callable[["Process"], object]


class Process:
    """The definitions of one process."""

    def __init__(self, changes: MemoryChanges, counters: MemoryCounters) -> None:
        self.clock = Clock()
        self.stubs = Stubs(ENDPOINTS, {"chat": frozenset({"text", "error"})}, ERRORS.check_name, counters)
        self.faults = Faults(self.clock, "seed", ERRORS, ENDPOINTS, counters)
        self.settings = AccountSettings(Settings())
        self.models = OwnModels(lambda: CATALOG._models.rows)
        self.policy = Policy(CATALOG, Settings())
        self.levels = Levels(counters)
        self.parts: dict[str, Replicated] = {
            name: part for name, part in vars(self).items() if isinstance(part, Replicated)
        }
        self.replicas = Replicas(changes, self.parts)

    def state(self) -> Any:
        self.replicas.refresh()
        states = {name: json.loads(json.dumps(part.replica_state())) for name, part in self.parts.items()}
        states["clock"]["since"] = states["clock"]["since"][0]  # the other times are computed from it
        return states


def _stub(id_: str | None, account: str | None, text: str) -> Step:
    document: Any = {"when": {"user_text": text}, "reply": {"text": text}, **({"id": id_} if id_ else {})}
    return lambda process: process.stubs.add(document, account)


def _fault(id_: str | None, account: str | None, times: int) -> Step:
    document: Any = {"error": "server_error", "times": times, **({"id": id_} if id_ else {})}
    return lambda process: process.faults.add(document, account)


def _restored(part: str, account: str | None) -> Step:
    """Return a step that takes a snapshot of a part and restores it."""

    def restore(process: Process) -> None:
        copy: Any = process.parts[part]
        copy.restore(copy.snapshot(account), account)

    return restore


STEPS = st.one_of(
    st.builds(_stub, IDS, ACCOUNTS, st.text(min_size=1, max_size=5)),
    st.builds(_fault, IDS, ACCOUNTS, st.integers(1, 3)),
    st.builds(lambda id_, account: lambda p: p.stubs.remove(id_ or "stub-1", account), IDS, ACCOUNTS),
    st.builds(lambda id_, account: lambda p: p.faults.remove(id_ or "fault-1", account), IDS, ACCOUNTS),
    st.builds(
        lambda part, id_, account, on: lambda p: p.parts[part].switch(id_ or "stub-1", account, on),
        st.sampled_from(["stubs", "faults"]),
        IDS,
        ACCOUNTS,
        st.booleans(),
    ),
    st.builds(lambda account: lambda p: p.stubs.reset(account), ACCOUNTS),
    st.builds(lambda account: lambda p: p.faults.reset(account), ACCOUNTS),
    st.builds(_restored, st.sampled_from(["stubs", "faults", "settings", "models", "policy"]), ACCOUNTS),
    st.builds(
        lambda account, value: lambda p: p.settings.change(account, {"unknown_audio": value}),
        ACCOUNTS,
        st.sampled_from(["placeholder", "error", None, "no such value"]),
    ),
    st.builds(
        lambda account, name: lambda p: p.models.add({"id": name, "like": "gpt-4o"}, "model", owner=account),
        ACCOUNTS,
        st.sampled_from(["my-model", "gpt-4o", ""]),
    ),
    st.builds(lambda account: lambda p: p.models.remove("my-model", account), ACCOUNTS),
    st.builds(lambda: lambda p: p.models.delete("my-model", "ann")),
    st.builds(lambda account: lambda p: p.policy.set_tier(account, "tier-2"), ACCOUNTS),
    st.builds(
        lambda account, n: lambda p: p.policy.override(account, "gpt-4o", {"requests_per_minute": n}),
        ACCOUNTS,
        st.none() | st.integers(0, 10),
    ),
    st.builds(
        lambda account, n: lambda p: p.levels.set(account, "gpt-4o", "requests_per_minute", n, n),
        ACCOUNTS,
        st.integers(0, 10),
    ),
    st.builds(lambda account: lambda p: p.levels.forget(account), ACCOUNTS),
    st.builds(lambda seconds: lambda p: p.clock.advance(seconds), st.floats(-1e6, 1e6)),
    st.builds(lambda frozen: lambda p: p.clock.freeze(frozen), st.booleans()),
    st.builds(lambda scale: lambda p: p.clock.set_scale(scale), st.floats(0, 1e3)),
    st.builds(lambda: lambda p: p.clock.reset()),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.booleans(), STEPS), max_size=25))
def test_random_changes_lead_to_equal_copies(steps: list[tuple[bool, Step]]) -> None:
    changes, counters = MemoryChanges(), MemoryCounters()
    here, there = Process(changes, counters), Process(changes, counters)
    for is_here, step in steps:
        with contextlib.suppress(ValueError, SettingsError, CatalogError):
            step(here if is_here else there)
    assert here.state() == there.state()
    here.replicas._compact()
    assert Process(changes, counters).state() == here.state()
