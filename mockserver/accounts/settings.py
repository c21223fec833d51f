"""Settings that the control API changes while the server runs, for one account or for all.

They override the command line and are overridden by the ``x-mock-*`` headers of a request.
"""

from __future__ import annotations

import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.replicas import Replicated, replicated
from mockserver.settings.model import PER_REQUEST, SettingsError

if TYPE_CHECKING:
    from mockserver.settings.model import Settings

_CHANGEABLE = tuple(option.name for option in PER_REQUEST)
_MAX_ACCOUNTS = 65_536  # accounts with changes; the oldest ones are evicted
_REMEMBERED = 4_096  # accounts with cached settings; the cache is cleared when there are more

Changes = dict[str, Any]


class AccountSettings(Replicated):
    """The settings of each account: the server's settings, changed for all accounts, then for this account."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._of_all: Changes = {}
        self._of_one: OrderedDict[str, Changes] = OrderedDict()
        self._known: dict[str | None, Settings] = {}
        self._changed = False

    def for_account(self, account_id: str | None) -> Settings:
        """Return the settings of an account; for ``None``, those of accounts without changes."""
        if not self._changed:
            return self._settings
        known = self._known.get(account_id)
        if known is None:
            with self._lock:
                known = self._resolve(account_id)
        return known

    def changes(self, account_id: str | None) -> Changes:
        """Return the changes for one account; for ``None``, those for all accounts."""
        with self._lock:
            return dict(self._own(account_id))

    def change(self, account_id: str | None, changes: Mapping[str, object]) -> None:
        """Change settings for an account, or for all; a value of ``None`` undoes a change.

        Raises ``SettingsError``, and changes nothing, for a setting that cannot be changed, or an invalid value.
        """
        checked = self._checked({name: value for name, value in changes.items() if value is not None})
        for name in changes:
            _check_changeable(name)
        self._change(account_id, {**changes, **checked})

    @replicated
    def reset(self, account_id: str | None) -> None:
        """Undo the changes for one account; for ``None``, all changes."""
        with self._lock:
            if account_id is None:
                self._of_one.clear()
            self._set(account_id, {})

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return the changes for one account, or all changes, for ``restore``."""
        with self._lock:
            accounts = {id_: dict(own) for id_, own in self._of_one.items()} if account_id is None else {}
            return {"changes": dict(self._own(account_id)), "accounts": accounts}

    @replicated
    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the changes with those of a ``snapshot``. Raises ``SettingsError``."""
        self._restore(state, account_id)

    def replica_state(self) -> dict[str, Any]:
        """Return all changes."""
        return self.snapshot(None)

    def set_replica_state(self, state: Mapping[str, Any]) -> None:
        """Replace all changes."""
        self._restore(state, None)

    @replicated
    def _change(self, account_id: str | None, changes: Changes) -> None:
        """Make changes that are valid; a value of ``None`` undoes one."""
        with self._lock:
            left = self._own(account_id) | changes
            self._set(account_id, {name: value for name, value in left.items() if value is not None})

    def _restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        own = self._checked(state["changes"])
        accounts = {id_: self._checked(changes) for id_, changes in state["accounts"].items()}
        with self._lock:
            if account_id is None:
                self._of_one.clear()
                for id_, changes in accounts.items():
                    self._set(id_, changes)
            self._set(account_id, own)

    def _checked(self, changes: Mapping[str, object]) -> Changes:
        for name in changes:
            _check_changeable(name)
        try:
            changed = dataclasses.replace(self._settings, **changes)  # type: ignore[arg-type]
        except SettingsError as error:
            raise SettingsError(str(error).removeprefix("argument ")) from error
        return {name: getattr(changed, name) for name in changes}

    def _own(self, account_id: str | None) -> Changes:
        return self._of_all if account_id is None else self._of_one.get(account_id, {})

    def _set(self, account_id: str | None, changes: Changes) -> None:
        if account_id is None:
            self._of_all = changes
        elif changes:
            self._of_one[account_id] = changes
            if len(self._of_one) > _MAX_ACCOUNTS:
                self._of_one.popitem(last=False)
        else:
            self._of_one.pop(account_id, None)
        self._known = {}
        self._changed = bool(self._of_all or self._of_one)

    def _resolve(self, account_id: str | None) -> Settings:
        changes = self._of_all | (self._of_one.get(account_id, {}) if account_id is not None else {})
        settings = dataclasses.replace(self._settings, **changes) if changes else self._settings
        if len(self._known) >= _REMEMBERED:
            self._known = {}
        self._known[account_id] = settings
        return settings


def _check_changeable(name: str) -> None:
    if name not in _CHANGEABLE:
        raise SettingsError(
            f"{name}: cannot be changed while the server runs. Settings that can: {', '.join(_CHANGEABLE)}."
        )
