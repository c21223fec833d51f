"""The part of the Python API that is about webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mockserver.testing import keywords
from mockserver.testing.context import OfAccount
from mockserver.validation import documents
from mockserver.webhooks.delivery import summary

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from typing_extensions import Unpack

    from mockserver.webhooks.delivery import Delivery
    from mockserver.webhooks.endpoints import Endpoint

Status = Literal["pending", "delivered", "failed"]
FaultKind = Literal["late", "duplicate", "reordered", "down", "bad_signature", "old_timestamp"]

_TIMEOUT = 10.0  # seconds


class WebhooksApi(OfAccount):
    """The webhooks of an account, or of all accounts: endpoints, deliveries and faults.

    Its methods raise ``ValueError`` for invalid arguments.
    """

    def add(
        self, url: str, *, events: Sequence[str] = ("*",), secret: str | None = None, name: str = ""
    ) -> Endpoint:
        """Add an endpoint, and return it with its ``secret``. ``events`` are types, or patterns such as ``batch.*``."""
        definition: dict[str, Any] = {"url": url, "events": list(events), "name": name}
        if secret is not None:
            definition["secret"] = secret
        documents.check(self._context.schemas, "webhook", definition)
        return self._context.webhooks.add(self._account_id, definition)

    def remove(self, endpoint: Endpoint | str) -> None:
        """Remove an endpoint, given as such or by its id. Its pending deliveries fail."""
        id_ = _id(endpoint)
        if not self._context.webhooks.endpoints.remove(self._account_id, id_):
            raise ValueError(f"endpoint: there is none with the id {id_!r} that was added here.")

    @property
    def endpoints(self) -> list[Endpoint]:
        """Return the endpoints that receive the events of this account."""
        return [each for _, each in self._context.webhooks.endpoints.visible(self._account_id)]

    def send(
        self,
        event_type: str,
        data: Mapping[str, Any] | None = None,
        *,
        endpoint: Endpoint | str | None = None,
    ) -> list[Delivery]:
        """Send an event by hand, by default with sample data, and return its deliveries, which are pending."""
        body: dict[str, Any] = {"type": event_type}
        if data is not None:
            body["data"] = dict(data)
        documents.check(self._context.schemas, "webhook_event", body)
        to = None if endpoint is None else _id(endpoint)
        return self._context.webhooks.send(self._account_id, event_type, data, to)

    def deliveries(
        self,
        event_type: str = "*",
        *,
        status: Status | None = None,
        endpoint: Endpoint | str | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> list[Delivery]:
        """Return the deliveries of events, oldest first. ``data`` are members that the data of an event has."""
        to = None if endpoint is None else _id(endpoint)
        return self._context.webhooks.deliveries(
            self._account_id, event_type=event_type, status=status, endpoint=to, data=data
        )

    def wait_for(
        self,
        event_type: str = "*",
        *,
        at_least: int = 1,
        status: Status = "delivered",
        endpoint: Endpoint | str | None = None,
        data: Mapping[str, Any] | None = None,
        attempts: int = 0,
        timeout: float = _TIMEOUT,
    ) -> list[Delivery]:
        """Wait until ``at_least`` deliveries have the status, and return them; fail after ``timeout`` real seconds.

        ``attempts`` is the least number of their attempts: ``status="pending", attempts=1`` for a failed first one.
        """
        __tracebackhide__ = True
        asked = {"type": event_type, "status": status, "at_least": at_least, "timeout": timeout}
        asked["attempts"] = attempts
        documents.check(self._context.schemas, "webhook_wait", asked)
        found = self._context.webhooks.wait(
            self._account_id,
            at_least,
            timeout,
            self._context.closing.is_set,
            event_type=event_type,
            status=status,
            endpoint=None if endpoint is None else _id(endpoint),
            data=data,
            attempts=attempts,
        )
        if len(found) < at_least:
            others = summary(self.deliveries())
            raise AssertionError(
                f"Expected at least {at_least} {status} deliveries of {event_type}, got {len(found)}. {others}"
            )
        return found

    def redeliver(self, delivery: Delivery | str) -> Delivery:
        """Deliver an event again, with the same ``webhook-id``."""
        id_ = delivery if isinstance(delivery, str) else delivery.id
        again = self._context.webhooks.redeliver(self._account_id, id_)
        if again is None:
            raise ValueError(f"delivery: there is none with the id {id_!r}.")
        return again

    def break_next(
        self, fault: FaultKind, times: int | None = 1, **options: Unpack[keywords.WebhookFaultOptions]
    ) -> None:
        """Let something go wrong with the next ``times`` deliveries or attempts; ``None`` for all."""
        keywords.check_names(options, keywords.WebhookFaultOptions)
        definition = {"fault": fault, "times": times, **options}
        documents.check(self._context.schemas, "webhook_fault", definition)
        self._context.webhooks.faults.add(self._account_id, definition)

    def reset(self) -> None:
        """Remove endpoints, deliveries and faults; those of the configuration stay."""
        self._context.webhooks.reset(self._account_id)


def _id(endpoint: Endpoint | str) -> str:
    return endpoint if isinstance(endpoint, str) else endpoint.id
