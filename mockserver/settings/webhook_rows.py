"""Endpoints of webhooks in a configuration: rows of ``mockserver.toml`` or of ``Settings(...)``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from mockserver.settings.values import SettingsError
from mockserver.wording import problem_of_text, shown, suggestion

_REQUIRED = {"url": "Add the URL that receives the events.", "secret": "Add the signing secret, whsec_…"}


@dataclass(frozen=True)
class WebhookRow:
    """A ``[[webhooks]]`` entry of ``mockserver.toml``: an endpoint for the events of all accounts.

    ``events`` are types of events, such as ``batch.completed``, or patterns, such as ``batch.*``.
    """

    url: str
    secret: str = field(repr=False)
    events: tuple[str, ...] = ("*",)
    name: str = ""


def webhook_row(row: Mapping[str, Any], source: str) -> WebhookRow:
    """Return a ``[[webhooks]]`` table as a row. Raises ``SettingsError`` naming the ``source``."""
    known = [each.name for each in fields(WebhookRow)]
    for name in row:
        if name not in known:
            raise SettingsError(f"{source}: unknown key {shown(name)}. {suggestion(name, known)}")
    for name, remedy in _REQUIRED.items():
        if name not in row:
            raise SettingsError(f"{source}: `{name}` is missing. {remedy}")
    events = row.get("events", ["*"])
    return WebhookRow(**(dict(row) | {"events": tuple(events) if isinstance(events, list) else events}))


def check_webhooks(rows: Sequence[WebhookRow], source: str) -> None:
    """Raise ``SettingsError`` naming the ``source`` for an invalid endpoint."""
    if not isinstance(rows, Sequence) or not all(isinstance(row, WebhookRow) for row in rows):
        raise SettingsError(f"{source}: {shown(rows)} is not a list of WebhookRows.")
    for number, row in enumerate(rows):
        where = f"{source}[{number}]"
        for name in ("url", "secret", "name"):
            _check_text(getattr(row, name), f"{where}.{name}", may_be_empty=name == "name")
        _check_events(row.events, f"{where}.events")


def _check_text(value: object, where: str, *, may_be_empty: bool) -> None:
    if not isinstance(value, str) or not (value or may_be_empty):
        raise SettingsError(f"{where}: {shown(value)} is not a string.")
    if problem := problem_of_text(value):
        raise SettingsError(f"{where}: {shown(value)} {problem}.")


def _check_events(events: object, where: str) -> None:
    from mockserver.catalog.webhook_events import unknown_pattern, webhook_table

    if not isinstance(events, tuple) or not events or not all(isinstance(each, str) for each in events):
        raise SettingsError(f"{where}: {shown(events)} is not a list of types of events.")
    if (unknown := unknown_pattern(events)) is not None:
        meant = suggestion(unknown, webhook_table().events, "docs/webhooks.md lists them.")
        raise SettingsError(f"{where}: unknown type of events {shown(unknown)}. {meant}")
