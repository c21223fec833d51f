"""The parts of a server that hold state, by the names that the control API has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockserver.state.snapshots import StoreSnapshots
from mockserver.state.value_rules import ValueRules

if TYPE_CHECKING:
    from mockserver.control.operation import Resettable
    from mockserver.services import Services


def parts_of(services: Services) -> Mapping[str, Resettable]:
    """Return the parts, in the order in which they are listed."""
    return {
        "settings": services.account_settings,
        "models": services.catalog.own_models,
        "limits": services.limiter,
        "costs": services.ledger,
        "store": StoreSnapshots(services.store, services.blobs, ValueRules(services.schemas)),
        "stubs": services.stubs,
        "faults": services.faults,
        "journal": services.journal,
    }
