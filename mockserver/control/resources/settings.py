"""``/_mock/settings``: shows settings, and changes them while the server runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mockserver.accounts.accounts import abbreviated
from mockserver.control.operation import ControlError
from mockserver.settings.model import OPTIONS, SettingsError

if TYPE_CHECKING:
    from mockserver.control.contexts import SettingsContext
    from mockserver.control.operation import Call
    from mockserver.settings.model import Settings

_HIDDEN = "***"


def show(context: SettingsContext, call: Call) -> dict[str, Any]:
    """Return the settings of the caller, and those that were changed."""
    return {
        "settings": without_secrets(context.account_settings.for_account(call.account_id)),
        "changed": context.account_settings.changes(call.account_id),
    }


def change(context: SettingsContext, call: Call) -> dict[str, Any]:
    """Change settings of the caller, or without an API key those of all accounts."""
    try:
        context.account_settings.change(call.account_id, call.body)
    except SettingsError as error:
        raise ControlError(str(error)) from error
    return show(context, call)


def reset(context: SettingsContext, call: Call) -> dict[str, Any]:
    """Undo all changes."""
    context.account_settings.reset(call.account_id)
    return show(context, call)


def without_secrets(settings: Settings) -> dict[str, Any]:
    """Return every setting by name, without the token, passwords and whole API keys."""
    values: dict[str, Any] = {option.name: getattr(settings, option.name) for option in OPTIONS}
    values["control_token"] = _HIDDEN if settings.control_token else ""
    credentials, at, _ = urlsplit(settings.reply_from).netloc.rpartition("@")
    values["reply_from"] = settings.reply_from.replace(credentials + at, _HIDDEN + "@", 1 if at else 0)
    values["accounts"] = [abbreviated(row.key) for row in settings.accounts]
    return values
