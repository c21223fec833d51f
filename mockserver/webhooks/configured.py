"""The endpoints of a configuration."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mockserver.remote.targets import NotAllowed
from mockserver.settings.values import SettingsError
from mockserver.webhooks.endpoints import Endpoint
from mockserver.webhooks.signing import check_secret

if TYPE_CHECKING:
    from mockserver.settings.model import Settings


def configured(settings: Settings, check_url: Callable[[str], None]) -> Sequence[Endpoint]:
    """Return the endpoints of the settings. Raises ``SettingsError`` for one that cannot be used."""
    endpoints = []
    for number, row in enumerate(settings.webhooks):
        try:
            check_secret(row.secret)
        except ValueError as error:
            raise SettingsError(f"webhooks[{number}].secret: {error}.") from error
        try:
            check_url(row.url)
        except NotAllowed as error:
            raise SettingsError(f"webhooks[{number}].url: {error}") from error
        endpoint = Endpoint(
            id=f"we_configured_{number}",
            url=row.url,
            secret=row.secret,
            name=row.name,
            events=row.events,
            source="configuration",
        )
        endpoints.append(endpoint)
    return endpoints
