"""Builds the parts with state, and what several processes have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.journal.entries import OVERHEAD
from mockserver.journal.journal import Journal
from mockserver.journal.kept_audio import KeptAudio
from mockserver.matching.allowance import ScriptLimits
from mockserver.replicas import Replicas
from mockserver.server_state import Defined, Definitions, Left, ServerState, Snapshotted
from mockserver.state.disk import StateFailed
from mockserver.state.layout import StateFolderError
from mockserver.state.presence import Presence
from mockserver.state.protocols import Bounds

if TYPE_CHECKING:
    from collections.abc import Collection

    from mockserver.accounts.settings import AccountSettings
    from mockserver.catalog.own_models import OwnModels
    from mockserver.clock import Clock
    from mockserver.limits.costs import Ledger
    from mockserver.limits.limiter import Limiter
    from mockserver.scripting.faults.registry import Faults
    from mockserver.scripting.stubs.stubs import Stubs
    from mockserver.settings.model import Settings
    from mockserver.state.shared import SharedState
    from mockserver.state.snapshots import StoreSnapshots


def server_state_of(
    clock: Clock,
    *,
    settings: AccountSettings,
    models: OwnModels,
    limits: Limiter,
    costs: Ledger,
    store: StoreSnapshots,
    stubs: Stubs,
    faults: Faults,
    journal: Journal,
) -> ServerState:
    """Return the parts with state, by their names in the control API and in its order."""
    defined = {
        "settings": Defined(settings.reset, lambda state, account_id, _: settings.restore(state, account_id)),
        "models": Defined(models.reset, lambda state, account_id, _: models.restore(state, account_id)),
        "limits": Defined(limits.forget, limits.restore_definitions),
        "stubs": Defined(
            stubs.clear, lambda state, account_id, _: stubs.restore_definitions(state, account_id)
        ),
        "faults": Defined(
            faults.clear, lambda state, account_id, _: faults.restore_definitions(state, account_id)
        ),
    }
    left = {
        "limits": Left(limits.buckets.clear, limits.restore_buckets),
        "costs": Left(costs.reset, costs.restore),
        "stubs": Left(stubs.use.clear, stubs.restore_counts),
        "faults": Left(faults.counts.clear, faults.restore_counts),
        "journal": Left(journal.reset, journal.restore),
        "store": Left(
            store.reset, store.restore
        ),  # last, because the jobs and batches in it use the other parts
    }
    parts: dict[str, Snapshotted] = {
        "settings": settings,
        "models": models,
        "limits": limits,
        "costs": costs,
        "store": store,
        "stubs": stubs,
        "faults": faults,
        "journal": journal,
    }
    copies = {
        "clock": clock,
        "settings": settings,
        "models": models,
        "policy": limits.policy,
        "levels": limits.levels,
        "stubs": stubs,
        "faults": faults,
    }
    return ServerState(clock, parts, Definitions(clock, defined, copies), left)


def replicas_of(shared: SharedState, definitions: Definitions) -> Replicas | None:
    """Return the definitions as copies of what all processes have; ``None`` if there is one process.

    Raises ``StateFolderError`` if the store cannot be read.
    """
    if shared.changes is None:
        return None
    try:
        return Replicas(shared.changes, {"definitions": definitions, **definitions.copies})
    except StateFailed as error:
        raise StateFolderError(f"store: {error}. Choose another store, or start it.") from error


def next_number(value: dict[str, int]) -> int:
    """Return the number of the next draw of a random value."""
    value["drawn"] = value.get("drawn", 0) + 1
    return value["drawn"]


def journal_of(settings: Settings, clock: Clock, shared: SharedState, endpoints: Collection[str]) -> Journal:
    """Return the journal. ``endpoints`` are the names that conditions can use."""
    bounds = Bounds(settings.journal_entries, settings.journal_bytes, OVERHEAD)
    audio = Bounds(settings.journal_entries, settings.keep_audio)
    return Journal(
        clock,
        shared.open_log("journal", bounds),
        KeptAudio(shared.open_log("audio", audio), settings.keep_audio) if settings.keep_audio else None,
        Presence(shared.leases),
        is_kept=settings.journal_entries > 0,
        is_shared=shared.changes is not None,
        together=shared.together,
        limits=ScriptLimits.of(settings),
        endpoints=endpoints,
    )
