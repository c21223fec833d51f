"""The endpoints of webhooks: those of the configuration, of all accounts, and of each account."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mockserver.catalog.webhook_events import EVERY, matches, unknown_pattern, webhook_table
from mockserver.webhooks.signing import secret_of
from mockserver.wording import suggestion

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.ids import Ids
    from mockserver.state.protocols import Documents

KIND = "webhook_endpoint"
EVERYONE = "*"  # the account of what belongs to all accounts

_MAX_ENDPOINTS = 100  # of one account
_OLD_SECRET_SECONDS = 86_400.0

Source = Literal["configuration", "control", "api", "page"]


class OldSecret(Struct, frozen=True):
    """A secret that was replaced, and is valid ``until`` a time of the clock."""

    secret: str
    until: float


class Endpoint(Struct, frozen=True, kw_only=True):
    """A URL that receives events of the types that ``events`` (patterns) match, signed with ``secret``.

    ``source`` says where it comes from: the ``api`` can be called by anyone who reaches the server, also by a ``page``
    of another site in a browser.
    """

    id: str
    url: str
    secret: str
    name: str = ""
    events: tuple[str, ...] = EVERY
    created_at: int = 0
    updated_at: int = 0
    old_secrets: tuple[OldSecret, ...] = ()
    source: Source = "control"

    @classmethod
    def of(cls, value: dict[str, Any]) -> Endpoint:
        """Return the endpoint of a value in the store."""
        return msgspec.convert(value, cls)

    @property
    def value(self) -> dict[str, Any]:
        """Return the endpoint as a value for the store."""
        built: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return built

    def receives(self, event_type: str) -> bool:
        """Return whether it receives events of a type."""
        return matches(self.events, event_type)

    def secrets(self, now: float) -> list[str]:
        """Return the secrets that are valid at a time, the current one first."""
        return [self.secret, *(old.secret for old in self.old_secrets if now < old.until)]


class WebhookError(ValueError):
    """An endpoint, event or fault is refused. The message says what is wrong, and what to do."""


def check_events(patterns: Sequence[str]) -> None:
    """Raise ``WebhookError`` for a pattern that no known type of events matches."""
    unknown = unknown_pattern(patterns)
    if unknown is not None:
        meant = suggestion(unknown, webhook_table().events, "docs/webhooks.md lists them.")
        raise WebhookError(f"events: unknown type of events {unknown!r}. {meant}")


class Endpoints:
    """The endpoints of a server: those of its configuration, which never change, and those in its store."""

    def __init__(self, configured: Sequence[Endpoint], store: Documents, clock: Clock, ids: Ids) -> None:
        self.configured = tuple(configured)
        self._store = store
        self._clock = clock
        self._ids = ids

    def visible(self, account_id: str | None) -> list[tuple[str, Endpoint]]:
        """Return the endpoints that receive an account's events (``None``: all), each with its account."""
        found = [(EVERYONE, endpoint) for endpoint in self.configured]
        if account_id is None:
            stored = [(owner, Endpoint.of(value)) for owner, _, value in self._store.all(KIND)]
            return found + stored
        owners = dict.fromkeys((EVERYONE, account_id))
        return found + [(owner, endpoint) for owner in owners for endpoint in self.of_account(owner)]

    def of_account(self, account_id: str) -> list[Endpoint]:
        """Return an account's own endpoints, oldest first."""
        return [Endpoint.of(value) for value in self._store.values(KIND, account_id)]

    def find(self, id_: str, account_id: str | None) -> tuple[str, Endpoint] | None:
        """Return the endpoint with an id that receives an account's events (``None``: any), with its account."""
        return next((found for found in self.visible(account_id) if found[1].id == id_), None)

    def add(
        self,
        account_id: str | None,
        url: str,
        *,
        events: Sequence[str] = EVERY,
        secret: str = "",
        name: str = "",
        source: Source = "control",
    ) -> Endpoint:
        """Add an endpoint of an account, or of all accounts. Raises ``WebhookError``."""
        owner, now = account_id or EVERYONE, self._clock.now()
        if len(self._store.values(KIND, owner)) >= _MAX_ENDPOINTS:
            raise WebhookError(f"There are {_MAX_ENDPOINTS} endpoints already. Remove some.")
        endpoint = Endpoint(
            id=new_id("we_", now, self._ids),
            url=url,
            secret=secret or secret_of(self._ids.hex_digits(64)),
            name=name,
            events=tuple(events),
            created_at=int(now),
            updated_at=int(now),
            source=source,
        )
        self._store.put(KIND, owner, endpoint.id, endpoint.value)
        return endpoint

    def change(self, account_id: str, id_: str, **changes: Any) -> Endpoint | None:
        """Change an account's own endpoint, and return it; ``None`` if there is none with that id."""

        def changed(endpoint: Endpoint) -> Endpoint:
            different = replace(endpoint, **changes)
            return different if different == endpoint else replace(different, updated_at=self._now())

        return self._update(account_id, id_, changed)

    def rotate(self, account_id: str, id_: str, *, keep_old: bool) -> Endpoint | None:
        """Give an account's own endpoint a new secret. With ``keep_old``, the old one is valid for 24 hours more."""
        secret, now = secret_of(self._ids.hex_digits(64)), self._clock.now()

        def rotated(endpoint: Endpoint) -> Endpoint:
            old = [each for each in endpoint.old_secrets if now < each.until]
            kept = [OldSecret(endpoint.secret, now + _OLD_SECRET_SECONDS), *old] if keep_old else []
            return replace(endpoint, secret=secret, old_secrets=tuple(kept[:10]), updated_at=self._now())

        return self._update(account_id, id_, rotated)

    def remove(self, account_id: str | None, id_: str) -> bool:
        """Remove an account's own endpoint (``None``: anyone's). Return whether there was one."""
        owners = (
            [account_id] if account_id else [each for each, key, _ in self._store.all(KIND) if key == id_]
        )
        return any(self._store.remove(KIND, owner, id_) for owner in owners)

    def _now(self) -> int:
        return int(self._clock.now())

    def _update(self, account_id: str, id_: str, change: Callable[[Endpoint], Endpoint]) -> Endpoint | None:
        value = self._store.update(KIND, account_id, id_, lambda value: change(Endpoint.of(value)).value)
        return None if value is None else Endpoint.of(value)


def new_id(prefix: str, now: float, ids: Ids) -> str:
    """Return an id: a prefix, the time in 8 hex digits, and 24 more."""
    return f"{prefix}{int(now):08x}{ids.hex_digits(24)}"
