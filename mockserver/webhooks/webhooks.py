"""The webhooks of a server: takes events, and delivers them to the endpoints that subscribe to them.

Deliveries to an endpoint are made one after another, in the order in which they are due, so that a receiver that hangs
delays only its own. Everything is kept in the store: pending deliveries continue after a restart.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver.accounts.redaction import Secrets
from mockserver.catalog.webhook_events import webhook_table
from mockserver.remote.targets import NotAllowed
from mockserver.schedule import Schedule
from mockserver.state.disk import StateFailed
from mockserver.webhooks import delivery as deliveries
from mockserver.webhooks import endpoints, faults
from mockserver.webhooks.configured import configured
from mockserver.webhooks.delivery import Delivery, Wanted
from mockserver.webhooks.endpoints import Endpoint, Endpoints, WebhookError, check_events, new_id
from mockserver.webhooks.faults import OF_ATTEMPTS, OF_EVENTS, WebhookFault, WebhookFaults
from mockserver.webhooks.requests import body_of
from mockserver.webhooks.sender import Sender
from mockserver.webhooks.signing import check_secret
from mockserver.wording import suggestion

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.ids import Ids
    from mockserver.remote.post import Posted
    from mockserver.schedule import Task
    from mockserver.settings.model import Settings
    from mockserver.state.held_leases import HeldLeases
    from mockserver.state.protocols import Change, Documents
    from mockserver.webhooks.delivery import Attempt

log = logging.getLogger(__name__)

_THREADS = 8
_MAX_DELIVERIES = 1_000  # of one account; the oldest that have ended are removed
_MAX_EVENT = (
    1 << 15
)  # bytes; as many as all deliveries can have without exceeding what the store keeps of a kind
_DISK_WAIT = 5.0  # seconds until writing to a failed disk is tried again
_LOOK = 0.25  # seconds between two looks at a waiting caller
_URLS = Secrets(())  # hides what looks like a secret in the URLs that the log names


class Webhooks:
    """The webhooks of one server. Thread-safe. Call ``resume`` once, when the server can answer requests.

    ``closing`` is set when the server closes; attempts in progress are then dropped, and made again by the next server
    that uses the state. Raises ``SettingsError`` for a configured endpoint that cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        store: Documents,
        clock: Clock,
        ids: Ids,
        closing: threading.Event,
        leases: HeldLeases,
    ) -> None:
        self._sender = Sender(settings, clock)
        self.check_url = self._sender.check_url
        self.endpoints = Endpoints(configured(settings, self.check_url), store, clock, ids)
        self.faults = WebhookFaults(store)
        self._store = store
        self._clock = clock
        self._ids = ids
        self._closing = closing
        self._changed = threading.Condition()
        self._schedule = Schedule(self._step, clock, _THREADS, leases, kind="webhook")
        store.listen(self._on_changes, deliveries.KIND)

    def resume(self) -> None:
        """Continue the deliveries that an earlier server left."""
        for account_id, _, value in self._store.all(deliveries.KIND):
            self._plan(account_id, value)

    def close(self) -> None:
        """Stop delivering. ``closing`` must be set."""
        self._sender.close()
        self._schedule.close()

    def add(self, account_id: str | None, definition: Mapping[str, Any]) -> Endpoint:
        """Add an endpoint that satisfies its schema, for an account or for all. Raises ``WebhookError``."""
        check_events(definition.get("events", ()))
        try:
            self.check_url(definition["url"])
        except NotAllowed as error:
            raise WebhookError(f"url: {error}") from error
        try:
            if "secret" in definition:
                check_secret(definition["secret"])
        except ValueError as error:
            raise WebhookError(f"secret: {error}.") from error
        return self.endpoints.add(account_id, **definition)

    def has_receivers(self, account_id: str, event_type: str) -> bool:
        """Return whether an endpoint subscribes to a type of an account's events."""
        return any(endpoint.receives(event_type) for _, endpoint in self.endpoints.visible(account_id))

    def announce(self, account_id: str, event_type: str, data: Mapping[str, Any]) -> None:
        """Deliver an event of an account to the endpoints that subscribe to its type. Never fails; problems are logged.

        It may be called from any thread, but not from a listener of the store.
        """
        try:
            self.send(account_id, event_type, data)
        except (WebhookError, StateFailed) as error:
            log.warning("webhook %s is not sent: %s", event_type, error)

    def send(
        self,
        account_id: str | None,
        event_type: str,
        data: Mapping[str, Any] | None = None,
        endpoint_id: str | None = None,
    ) -> list[Delivery]:
        """Deliver an event to the endpoints that subscribe to its type, or to one endpoint. Return the deliveries.

        Without an account, the event is that of all accounts; without data, it is a sample. Raises ``WebhookError``
        and ``StateFailed``.
        """
        found = [
            (owner, endpoint)
            for owner, endpoint in self.endpoints.visible(account_id)
            if (endpoint.receives(event_type) if endpoint_id is None else endpoint.id == endpoint_id)
        ]
        if not found and endpoint_id is not None:
            raise WebhookError(f"endpoint: unknown endpoint {endpoint_id!r}. GET /_mock/webhooks lists them.")
        data = _sample(event_type) if data is None else data
        if not found:
            return []
        now = self._clock.now()
        event = self._event(event_type, data, now)
        _check(event)
        return [self._deliver(account_id or owner, endpoint, event, now) for owner, endpoint in found]

    def test(self, endpoint: Endpoint, event_type: str) -> Posted:
        """Deliver a sample event once, without faults and retries, and return the answer. Raises ``FetchError``."""
        now = self._clock.now()
        event = self._event(event_type, _sample(event_type), now)
        sample = Delivery(id=new_id("wh_", now, self._ids), endpoint=endpoint.id, event=event, created_at=now)
        return self._sender.post(endpoint, sample, None, int(time.time()))

    def deliveries(self, account_id: str | None, **wanted: Any) -> list[Delivery]:
        """Return the deliveries of an account (``None``: all), oldest first, that match (see ``Wanted``).

        Raises ``WebhookError`` for an unknown status.
        """
        return [Delivery.of(value) for value in self._matching(account_id, Wanted(**wanted))]

    def wait(
        self,
        account_id: str | None,
        at_least: int,
        timeout: float,
        given_up: Callable[[], bool],
        **wanted: Any,
    ) -> list[Delivery]:
        """Wait until enough deliveries match (see ``Wanted``), or ``timeout`` real seconds have passed.

        Return the matching ones, of which there may be too few. ``given_up`` ends the wait.
        """
        deadline, sought = time.monotonic() + timeout, Wanted(**wanted)
        with self._changed:
            while True:
                found = self._matching(account_id, sought)
                left = deadline - time.monotonic()
                if len(found) >= at_least or left <= 0 or given_up() or self._closing.is_set():
                    return [Delivery.of(value) for value in found]
                self._changed.wait(min(left, _LOOK))

    def redeliver(self, account_id: str | None, id_: str) -> Delivery | None:
        """Deliver an event again, with the same ``webhook-id``. Return the delivery; ``None`` if there is none."""
        owner = next((owner for owner, value in self._values(account_id) if value["id"] == id_), None)
        if owner is None:
            return None
        return self._update(owner, id_, lambda each: each.again(self._clock.now()))

    def reset(self, account_id: str | None) -> None:
        """Remove the endpoints, faults and deliveries of an account; without one, of all. Configured endpoints stay."""
        for kind in (faults.KIND, deliveries.KIND, endpoints.KIND):
            for owner, key, _ in self._store.all(kind):
                if account_id in (None, owner):
                    self._store.remove(kind, owner, key)

    def _values(self, account_id: str | None) -> list[tuple[str, dict[str, Any]]]:
        """Return the deliveries of an account (``None``: all) as values, each with its account, oldest first."""
        if account_id is None:
            return [(owner, value) for owner, _, value in self._store.all(deliveries.KIND)]
        return [(account_id, value) for value in self._store.values(deliveries.KIND, account_id)]

    def _matching(self, account_id: str | None, wanted: Wanted) -> list[dict[str, Any]]:
        return [value for _, value in self._values(account_id) if wanted.matches(value)]

    def _event(self, event_type: str, data: Mapping[str, Any], now: float) -> dict[str, Any]:
        return {
            "id": new_id("evt_", now, self._ids),
            "object": "event",
            "created_at": int(now),
            "type": event_type,
            "data": dict(data),
        }

    def _deliver(self, account_id: str, endpoint: Endpoint, event: dict[str, Any], now: float) -> Delivery:
        """Store a delivery, with the faults that hit it. Raises ``WebhookError``."""
        self._make_room(account_id)
        hits: dict[str, WebhookFault] = {}
        for kind in OF_EVENTS:
            fault = self.faults.take((kind,), account_id, endpoint.id, event["type"])
            if fault is not None:
                hits[kind] = fault
        waits = [hits[kind].seconds for kind in ("late", "reordered") if kind in hits]
        new = Delivery(
            id=new_id("wh_", now, self._ids),
            endpoint=endpoint.id,
            event=event,
            created_at=now,
            due=now + max(waits, default=0.0),
            copies=hits["duplicate"].copies if "duplicate" in hits else 0,
            held="reordered" in hits,
        )
        self._store.put(deliveries.KIND, account_id, new.id, new.value)
        return new

    def _make_room(self, account_id: str) -> None:
        """Remove the oldest delivery that has ended if an account has too many. Raises ``WebhookError``."""
        values = self._store.values(deliveries.KIND, account_id)
        if len(values) < _MAX_DELIVERIES:
            return
        ended = next((value for value in values if value["status"] != deliveries.PENDING), None)
        if ended is None:
            raise WebhookError(f"{_MAX_DELIVERIES} deliveries are pending already.")
        self._store.remove(deliveries.KIND, account_id, ended["id"])

    def _on_changes(self, changes: Sequence[Change]) -> None:
        """Plan new and changed deliveries, and wake those who wait for them."""
        for change in changes:
            if change.after is not None:
                self._plan(change.account, change.after)
        with self._changed:
            self._changed.notify_all()

    def _plan(self, account_id: str, value: dict[str, Any]) -> None:
        if value["status"] == deliveries.PENDING:
            self._schedule.add((account_id, value["endpoint"]), value["due"])

    def _step(self, task: Task) -> float | None:
        """Make the attempt that is due for an endpoint. Return when the next one is due."""
        account_id, endpoint_id = task
        waiting = self._matching(account_id, Wanted(status=deliveries.PENDING, endpoint=endpoint_id))
        if not waiting or self._closing.is_set():
            return None
        soonest = min(waiting, key=itemgetter("due"))
        first, due, now = Delivery.of(soonest), float(soonest["due"]), self._clock.now()
        if due > now:
            return due
        try:
            # A frozen clock is moved by steps: what was due in a step is done as if at its time.
            self._attempt(account_id, first, due if self._clock.is_frozen else now)
        except StateFailed as error:
            log.warning("webhook %s: its attempt cannot be stored: %s", first.id, error)
            self._closing.wait(_DISK_WAIT)
        return now

    def _attempt(self, account_id: str, each: Delivery, at: float) -> None:
        found = self.endpoints.find(each.endpoint, account_id)
        if found is None:
            self._update(account_id, each.id, lambda old: old.failed("the endpoint was removed"))
            return
        endpoint = found[1]
        try:
            self.check_url(endpoint.url, endpoint.source)
        except NotAllowed as error:
            reason = str(error)
            log.warning("webhook %s (%s) fails: %s", each.id, each.type, _URLS.hide_in_value(reason))
            self._update(account_id, each.id, lambda old: old.failed(reason))
            return
        fault = self.faults.take(OF_ATTEMPTS, account_id, endpoint.id, each.type)
        attempt = self._sender.attempt(endpoint, each, fault, at)
        if self._closing.is_set():
            return
        after = self._update(
            account_id, each.id, lambda old: old.attempted(attempt, webhook_table().delivery)
        )
        if after is not None:
            _log(after, attempt)
            self._release(account_id, after)

    def _release(self, account_id: str, done: Delivery) -> None:
        """Let the deliveries go on that waited for a later one to the same endpoint."""
        now = self._clock.now()
        waiting = Wanted(status=deliveries.PENDING, endpoint=done.endpoint)
        for each in self._matching(account_id, waiting):
            if each["held"] and each["id"] != done.id:
                self._update(account_id, each["id"], lambda held: replace(held, held=False, due=now))

    def _update(self, account_id: str, id_: str, change: Callable[[Delivery], Delivery]) -> Delivery | None:
        """Change a delivery, unless the server closes. Return it; ``None`` if it was removed."""
        value = self._store.update(
            deliveries.KIND, account_id, id_, lambda value: change(Delivery.of(value)).value
        )
        return None if value is None else Delivery.of(value)


def _sample(event_type: str) -> Mapping[str, Any]:
    """Return the data of a sample event. Raises ``WebhookError`` for a type that the API does not have."""
    known = webhook_table().events
    if event_type not in known:
        meant = suggestion(event_type, known, "Send it with data.")
        raise WebhookError(f"type: {event_type!r} is no type of the API that has sample data. {meant}")
    return known[event_type].data


def _check(event: Mapping[str, Any]) -> None:
    """Raise ``WebhookError`` for an event that cannot be written as JSON, or is too large."""
    try:
        size = len(body_of(event))
    except (TypeError, ValueError) as error:
        raise WebhookError(f"data: cannot be written as JSON: {error}") from error
    if size > _MAX_EVENT:
        raise WebhookError(f"data: the event has {size} bytes; the maximum is {_MAX_EVENT}")


def _log(after: Delivery, attempt: Attempt) -> None:
    outcome = attempt.error or f"answered {attempt.status}"
    level = logging.INFO if attempt.succeeded else logging.WARNING
    log.log(
        level, "webhook %s (%s) is %s: %s", after.id, after.type, after.status, _URLS.hide_in_value(outcome)
    )
