"""The table of webhooks: types of events, patterns of them, and the figures of a delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from mockserver.catalog.reading import read_file

EVERY = ("*",)


class EventType(Struct, frozen=True, forbid_unknown_fields=True):
    """A type of events: sample ``data``, and whether an endpoint can subscribe to it by the API."""

    data: Mapping[str, Any]
    subscribable: bool = True


class DeliveryFigures(Struct, frozen=True, forbid_unknown_fields=True):
    """How events are delivered; times in seconds."""

    user_agent: str
    first_wait: float
    factor: float
    give_up: float


class WebhookTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The content of ``webhooks.toml``."""

    delivery: DeliveryFigures
    events: Mapping[str, EventType]

    @property
    def subscribable(self) -> tuple[str, ...]:
        """Return the types to which an endpoint can subscribe by the API."""
        return tuple(name for name, row in self.events.items() if row.subscribable)


@cache
def webhook_table() -> WebhookTable:
    """Return the table."""
    return read_file(WebhookTable, Path(__file__).parent / "webhooks.toml")


def unknown_pattern(patterns: Iterable[str]) -> str | None:
    """Return the first pattern that no known type of events matches, or ``None``."""
    known = webhook_table().events
    return next((each for each in patterns if not any(fnmatchcase(name, each) for name in known)), None)


def matches(patterns: Iterable[str], event_type: str) -> bool:
    """Return whether one of the patterns (``*``, ``batch.*``, ``batch.failed``) matches a type of events."""
    return any(fnmatchcase(event_type, each) for each in patterns)
