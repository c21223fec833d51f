"""A delivery as a value: an event on its way to an endpoint, and its attempts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mockserver.catalog.webhook_events import matches
from mockserver.webhooks.endpoints import WebhookError

if TYPE_CHECKING:
    from mockserver.catalog.webhook_events import DeliveryFigures

KIND = "webhook_delivery"
PENDING, DELIVERED, FAILED = STATES = "pending", "delivered", "failed"

_MAX_ATTEMPTS = 50  # attempts that are remembered


class Attempt(Struct, frozen=True, kw_only=True):
    """An attempt, begun ``at`` a time of the clock: the ``status`` and ``body`` of the answer, or why there was none.

    It took ``seconds`` at the speed of the clock, so 0 if that is frozen: a clock that is moved during the attempt does
    not put off the next one. ``timestamp`` is that of the request; ``fault`` the kind of the fault that changed it.
    """

    at: float
    seconds: float = 0.0
    url: str
    timestamp: int
    status: int | None = None
    body: str = ""
    error: str | None = None
    fault: str | None = None

    @property
    def succeeded(self) -> bool:
        """Return whether the receiver accepted the event."""
        return self.status is not None and 200 <= self.status < 300


class Delivery(Struct, frozen=True, kw_only=True):
    """An event for one endpoint. ``id`` is its ``webhook-id``; times are those of the clock, in seconds since 1970.

    ``due`` is the time of the next attempt; ``tries`` have failed since the one at ``since``. ``copies`` will follow
    the first success; a delivery that is ``held`` waits for a later one to the same endpoint.
    """

    id: str
    endpoint: str
    event: dict[str, Any]
    created_at: float
    status: Literal["pending", "delivered", "failed"] = "pending"
    due: float | None = None
    attempts: list[Attempt] = []
    reason: str | None = None
    since: float | None = None
    tries: int = 0
    copies: int = 0
    held: bool = False

    @classmethod
    def of(cls, value: dict[str, Any]) -> Delivery:
        """Return the delivery of a value in the store."""
        return msgspec.convert(value, cls)

    @property
    def value(self) -> dict[str, Any]:
        """Return the delivery as a value for the store."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    @property
    def type(self) -> str:
        """Return the type of the event."""
        return str(self.event["type"])

    @property
    def outcome(self) -> str:
        """Return its status, with the reason of the latest failure."""
        last = self.attempts[-1] if self.attempts else None
        why = self.reason or (last and not last.succeeded and (last.error or f"answered {last.status}"))
        return f"{self.status} ({why})" if why else self.status

    def attempted(self, attempt: Attempt, figures: DeliveryFigures) -> Delivery:
        """Return the delivery after an attempt: delivered, due again, or failed."""
        attempts = [*self.attempts, attempt][-_MAX_ATTEMPTS:]
        if attempt.succeeded:
            if self.copies:
                changes = {"copies": self.copies - 1, "due": attempt.at, "tries": 0, "since": None}
                return replace(self, attempts=attempts, held=False, **changes)
            return replace(self, attempts=attempts, status="delivered", due=None, held=False)
        since, tries = attempt.at if self.since is None else self.since, self.tries + 1
        due = attempt.at + attempt.seconds + figures.first_wait * figures.factor ** (tries - 1)
        tried = replace(self, attempts=attempts, since=since, tries=tries, held=False)
        if due > since + figures.give_up:
            hours = figures.give_up / 3600
            return tried.failed(f"no attempt succeeded within {hours:g} hours")
        return replace(tried, due=due)

    def failed(self, reason: str) -> Delivery:
        """Return the delivery after it was given up."""
        return replace(self, status="failed", due=None, reason=reason, held=False)

    def again(self, now: float) -> Delivery:
        """Return the delivery with an attempt due ``now``, and all retries after it."""
        return replace(self, status="pending", due=now, since=None, tries=0, reason=None, held=False)


class Wanted(Struct, frozen=True, kw_only=True):
    """What a delivery must be. ``event_type`` may be a pattern; ``data`` are members of the event's data.

    ``attempts`` is the least number of attempts.
    """

    event_type: str = "*"
    status: str | None = None
    endpoint: str | None = None
    data: Mapping[str, Any] | None = None
    attempts: int = 0

    def __post_init__(self) -> None:
        """Raise ``WebhookError`` for an unknown status."""
        if self.status not in (None, *STATES):
            raise WebhookError(f"status: there is no {self.status!r}. Known: {', '.join(STATES)}.")

    def matches(self, value: Mapping[str, Any]) -> bool:
        """Return whether the delivery of a value in the store is wanted. (Decoding all would take longer.)"""
        return (
            self.status in (None, value["status"])
            and self.endpoint in (None, value["endpoint"])
            and len(value["attempts"]) >= self.attempts
            and matches((self.event_type,), value["event"]["type"])
            and (self.data is None or self.data.items() <= value["event"]["data"].items())
        )


def shown(delivery: Delivery) -> dict[str, Any]:
    """Return a delivery as the control API shows it."""
    attempts = [{**msgspec.to_builtins(each), "succeeded": each.succeeded} for each in delivery.attempts]
    return {
        "id": delivery.id,
        "endpoint": delivery.endpoint,
        "type": delivery.type,
        "status": delivery.status,
        "created_at": delivery.created_at,
        "next_attempt_at": delivery.due,
        "reason": delivery.reason,
        "event": delivery.event,
        "attempts": attempts,
    }


def summary(deliveries: Sequence[Delivery]) -> str:
    """Return the deliveries as a text for messages: the latest ones, each with its status."""
    if not deliveries:
        return "There were no deliveries."
    latest = "; ".join(f"{each.type} to {each.endpoint}: {each.outcome}" for each in deliveries[-10:])
    return f"The latest deliveries: {latest}."
