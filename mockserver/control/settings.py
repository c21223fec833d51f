"""``/_mock/settings``: how the server behaves, and changes to that while it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mockserver.accounts.accounts import abbreviated
from mockserver.control import requests as control
from mockserver.settings.model import OPTIONS, SettingsError

if TYPE_CHECKING:
    import flask

    from mockserver.services import Services
    from mockserver.settings.model import Settings

_HIDDEN = "***"


def register(app: flask.Flask, services: Services) -> None:
    """Adds ``GET``, ``PATCH`` and ``DELETE /_mock/settings``."""

    def report() -> flask.Response:
        account_id = control.account_id(services)
        return control.answer(
            {
                "settings": shown(services.account_settings.for_account(account_id)),
                "changed": services.account_settings.changes(account_id),
            }
        )

    def change() -> flask.Response:
        account_id, changes = control.account_id(services), control.document(services, "settings")
        try:
            services.account_settings.change(account_id, changes)
        except SettingsError as error:
            raise control.ControlError(str(error)) from error
        return report()

    def reset() -> flask.Response:
        services.account_settings.reset(control.account_id(services))
        return report()

    for method, view in (("GET", report), ("PATCH", change), ("DELETE", reset)):
        app.add_url_rule("/_mock/settings", f"mock_settings_{method.lower()}", view, methods=[method])


def shown(settings: Settings) -> dict[str, Any]:
    """Every setting by name, without secrets: no token, no password, keys redacted."""
    values: dict[str, Any] = {option.name: getattr(settings, option.name) for option in OPTIONS}
    values["control_token"] = _HIDDEN if settings.control_token else ""
    credentials, at, _ = urlsplit(settings.reply_from).netloc.rpartition("@")
    values["reply_from"] = settings.reply_from.replace(credentials + at, _HIDDEN + "@", 1 if at else 0)
    values["accounts"] = [abbreviated(row.key) for row in settings.accounts]
    return values
