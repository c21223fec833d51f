"""The parts of a server that hold state, by the names that the control API has for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from mockserver.state.snapshots import StoreSnapshots
from mockserver.state.value_rules import ValueRules

if TYPE_CHECKING:
    from mockserver.services import Services


class Part(Protocol):
    """What holds state by account. An ``account_id`` of ``None`` means every account."""

    def reset(self, account_id: str | None) -> None:
        """Forgets what concerns the account."""
        ...

    def snapshot(self, account_id: str | None) -> Any:
        """What concerns the account, as a JSON value; of one account it may be restored for another."""
        ...

    def restore(self, state: Any, account_id: str | None) -> None:
        """Puts a ``snapshot`` in place of what concerns the account."""
        ...


def parts_of(services: Services) -> Mapping[str, Part]:
    """The parts, in the order in which they are told."""
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
