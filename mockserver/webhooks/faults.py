"""Faults of deliveries: events that are late, duplicated, out of order, wrongly signed, or do not arrive."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from mockserver.catalog.webhook_events import EVERY, matches
from mockserver.webhooks.endpoints import EVERYONE, WebhookError, check_events

if TYPE_CHECKING:
    from mockserver.state.protocols import Documents, Value

KIND = "webhook_fault"
OF_EVENTS = ("late", "duplicate", "reordered")  # kinds that hit a delivery when its event happens
OF_ATTEMPTS = ("down", "bad_signature", "old_timestamp")  # kinds that hit each of its attempts
KINDS = OF_EVENTS + OF_ATTEMPTS

_MAX_FAULTS = 1_000  # of one account
_OF_KINDS = {"seconds": ("late", "reordered"), "copies": ("duplicate",)}  # members that only some kinds have


class WebhookFault(Struct, frozen=True, kw_only=True):
    """A fault of deliveries. The members are those of ``schemas/mock/webhook_fault.json``; ``hits`` counts."""

    id: str
    fault: str
    events: tuple[str, ...] = EVERY
    endpoint: str | None = None
    times: int | None = 1
    seconds: float = 60.0
    copies: int = 1
    hits: int = 0

    @classmethod
    def of(cls, value: Value) -> WebhookFault:
        """Return the fault of a value in the store."""
        return msgspec.convert(value, cls)

    @property
    def value(self) -> Value:
        """Return the fault as a value for the store."""
        built: Value = msgspec.json.decode(msgspec.json.encode(self))
        return built

    def concerns(self, endpoint_id: str, event_type: str) -> bool:
        """Return whether it can hit a delivery."""
        is_used_up = self.times is not None and self.hits >= self.times
        return not is_used_up and self.endpoint in (None, endpoint_id) and matches(self.events, event_type)


class WebhookFaults:
    """The faults of deliveries of a server, in its store. Those of an account are tried first, the oldest first."""

    def __init__(self, store: Documents) -> None:
        self._store = store

    def add(self, account_id: str | None, definition: Mapping[str, Any]) -> WebhookFault:
        """Add a fault that satisfies its schema, for an account or for all. Raises ``WebhookError``."""
        check_events(definition.get("events", ()))
        for name, kinds in _OF_KINDS.items():
            if name in definition and definition["fault"] not in kinds:
                verb = "has" if len(kinds) == 1 else "have"
                raise WebhookError(f"{name}: only {' and '.join(kinds)} {verb} them.")
        owner = account_id or EVERYONE
        taken = {value["id"] for value in self._store.values(KIND, owner)}
        if len(taken) >= _MAX_FAULTS:
            raise WebhookError(f"There are {_MAX_FAULTS} faults of webhooks already. Remove some.")
        id_ = next(id_ for n in itertools.count(1) if (id_ := f"webhook-fault-{n}") not in taken)
        fault = msgspec.convert({**definition, "id": id_}, WebhookFault)
        self._store.put(KIND, owner, id_, fault.value)
        return fault

    def visible(self, account_id: str | None) -> list[WebhookFault]:
        """Return the faults that can hit an account's deliveries (``None``: all)."""
        if account_id is None:
            return [WebhookFault.of(value) for _, _, value in self._store.all(KIND)]
        owners = (account_id, EVERYONE) if account_id != EVERYONE else (EVERYONE,)
        return [WebhookFault.of(value) for owner in owners for value in self._store.values(KIND, owner)]

    def reset(self, account_id: str | None) -> None:
        """Remove the faults of an account; without one, of all accounts."""
        for owner, id_, _ in self._store.all(KIND):
            if account_id in (None, owner):
                self._store.remove(KIND, owner, id_)

    def take(
        self, kinds: tuple[str, ...], account_id: str, endpoint_id: str, event_type: str
    ) -> WebhookFault | None:
        """Return the first fault of these kinds that hits a delivery, and count the hit."""
        owners = (account_id, EVERYONE) if account_id != EVERYONE else (EVERYONE,)
        for owner in owners:
            for value in self._store.values(KIND, owner):
                fault = WebhookFault.of(value)
                if fault.fault in kinds and self._hit(owner, fault, endpoint_id, event_type):
                    return fault
        return None

    def _hit(self, owner: str, fault: WebhookFault, endpoint_id: str, event_type: str) -> bool:
        """Count a hit, unless another thread has used the fault up. Return whether it was counted."""
        hits = False

        def counted(value: Value) -> Value:
            nonlocal hits
            hits = WebhookFault.of(value).concerns(endpoint_id, event_type)
            return value | {"hits": value["hits"] + 1} if hits else value

        if fault.concerns(endpoint_id, event_type):
            self._store.update(KIND, owner, fault.id, counted)
        return hits
