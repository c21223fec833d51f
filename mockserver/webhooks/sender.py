"""Makes the attempts of deliveries: signs the request of an event, sends it, and describes the outcome."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mockserver.catalog.webhook_events import webhook_table
from mockserver.remote.targets import AllowedHosts, FetchError
from mockserver.settings.hosts import is_loopback
from mockserver.webhooks.delivery import Attempt
from mockserver.webhooks.requests import body_of, headers_of

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.remote.post import Posted, Poster
    from mockserver.settings.model import Settings
    from mockserver.webhooks.delivery import Delivery
    from mockserver.webhooks.endpoints import Endpoint, Source
    from mockserver.webhooks.faults import WebhookFault

_REMEDY = "Add it there (--webhook-hosts HOST or HOST:PORT)."


class Sender:
    """Sends events to the hosts that the settings allow. Thread-safe."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._is_local = is_loopback(settings.host)
        self._lock = threading.Lock()
        self._poster: Poster | None = None
        self._closed = False

    def check_url(self, url: str, source: Source = "control") -> None:
        """Raise ``NotAllowed`` if the settings do not allow events to be delivered to a URL."""
        self._hosts(source).target(url)

    def close(self) -> None:
        """Close the connections: attempts in progress fail, and so do further ones."""
        with self._lock:
            self._closed = True
        if self._poster is not None:
            self._poster.close()

    def attempt(
        self, endpoint: Endpoint, delivery: Delivery, fault: WebhookFault | None, at: float
    ) -> Attempt:
        """Make an attempt ``at`` a time of the clock, and return it."""
        timestamp = int(time.time())  # receivers compare it with their own clock, which is not moved
        kind = fault.fault if fault else None
        made = Attempt(at=at, url=endpoint.url, timestamp=timestamp, fault=kind)
        if kind == "down":
            return replace(made, error="a fault keeps the receiver down")
        began = time.monotonic()
        try:
            posted = self.post(endpoint, delivery, kind, timestamp)
            made = replace(made, status=posted.status, body=posted.body)
        except (FetchError, ValueError) as error:  # also a restored secret or URL that nothing can be made of
            made = replace(made, error=str(error))
        return replace(made, seconds=(time.monotonic() - began) * self._clock.speed)

    def post(self, endpoint: Endpoint, delivery: Delivery, fault: str | None, timestamp: int) -> Posted:
        """Send an event, and return the answer. Raises ``FetchError``."""
        body, secrets = body_of(delivery.event), endpoint.secrets(self._clock.now())
        agent = webhook_table().delivery.user_agent
        headers = headers_of(delivery.id, timestamp, body, secrets, fault, agent)
        return self._client().post(endpoint.url, headers, body, self._hosts(endpoint.source))

    def _hosts(self, source: Source) -> AllowedHosts:
        """Return the hosts that an endpoint may have, by its source (see ``Endpoint``)."""
        named = tuple(filter(None, (each.strip() for each in self._settings.webhook_hosts.split(","))))
        loopback = source in ("configuration", "control") or (source == "api" and self._is_local)
        return AllowedHosts(named, "webhook_hosts", "called", _REMEDY, loopback)

    def _client(self) -> Poster:
        """Return the HTTP client, which is imported at the first attempt. Raises ``FetchError`` after ``close``."""
        from mockserver.remote.post import Poster

        with self._lock:
            if self._closed:
                raise FetchError("the server stops")
            if self._poster is None:
                self._poster = Poster(self._settings.webhook_seconds)
            return self._poster
