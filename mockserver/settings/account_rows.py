"""Accounts and limits of a configuration: rows of ``mockserver.toml`` or of ``Settings(...)``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mockserver.settings.values import SettingsError
from mockserver.wording import nearest_name, problem_of_text, shown

TIERS = ("free", "tier-1", "tier-2", "tier-3", "tier-4", "tier-5")
_KEY = re.compile(r"[!-~]{1,4096}")  # characters that a header value can carry
_NAME = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")


@dataclass(frozen=True)
class LimitRow:
    """Limits of a limit group that replace those of the catalog, for one tier or for all. ``None`` removes a limit.

    ``observed``: limits of recorded responses apply where they contradict the catalog.
    """

    group: str
    tier: str | None
    limits: tuple[tuple[str, int | None], ...]
    observed: bool = False


@dataclass(frozen=True)
class AccountRow:
    """An ``[[accounts]]`` entry of ``mockserver.toml``."""

    key: str
    organization: str | None = None
    project: str | None = None
    tier: str | None = None
    models: tuple[str, ...] = ()
    limits: tuple[LimitRow, ...] = ()


def check_accounts(accounts: Sequence[AccountRow], source: str) -> None:
    """Raise ``SettingsError`` naming the ``source`` for an invalid account or a duplicate key."""
    if not isinstance(accounts, Sequence) or isinstance(accounts, str):
        raise SettingsError(f"{source}: {shown(accounts)} is not a list of AccountRows.")
    places: dict[str, int] = {}
    for number, account in enumerate(accounts):
        where = f"{source}[{number}]"
        if not isinstance(account, AccountRow):
            raise SettingsError(f"{where}: is not an AccountRow.")
        _check_account(account, where)
        if account.key in places:
            raise SettingsError(f"{where}.key: accounts[{places[account.key]}] has the same key. Keep one.")
        places[account.key] = number


def _check_account(account: AccountRow, where: str) -> None:
    if not isinstance(account.key, str) or not account.key:
        raise SettingsError(f"{where}: `key` is missing. Add the API key of the account.")
    if not _KEY.fullmatch(account.key):
        raise SettingsError(
            f"{where}.key: {shown(account.key)} cannot be sent in a header. Write ASCII without spaces."
        )
    for name in ("organization", "project"):
        value = getattr(account, name)
        if value is not None and not (isinstance(value, str) and _NAME.fullmatch(value)):
            raise SettingsError(
                f"{where}.{name}: {shown(value)} cannot be sent in a header. Write up to 200 characters of ASCII."
            )
    check_tier(account.tier, f"{where}.tier")
    if not isinstance(account.models, tuple) or not all(isinstance(each, str) for each in account.models):
        raise SettingsError(f"{where}.models: {shown(account.models)} is not a list of strings.")
    for model in account.models:
        if problem := problem_of_text(model):
            raise SettingsError(f"{where}.models: {shown(model)} {problem}.")
    check_limit_rows(account.limits, f"{where}.limits")


def check_limit_rows(rows: Sequence[LimitRow], source: str) -> None:
    """Raise ``SettingsError`` naming the ``source`` for invalid limits."""
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise SettingsError(f"{source}: {shown(rows)} is not a list of LimitRows.")
    for row in rows:
        if not isinstance(row, LimitRow) or not isinstance(row.group, str):
            raise SettingsError(f"{source}: {shown(row)} is not a LimitRow of a limit group.")
        check_tier(row.tier, f"{source}.{row.group}")
        from mockserver.settings.limit_overrides import limit_of

        try:
            for kind, amount in row.limits:
                limit_of(kind, "none" if amount is None else amount)
        except (TypeError, ValueError) as error:
            raise SettingsError(f"{source}.{row.group}: {error}.") from error


def check_tier(tier: object, where: str) -> None:
    """Raise ``SettingsError`` naming ``where`` for an unknown usage tier; ``None`` means the server's tier."""
    if tier is not None and tier not in TIERS:
        meant = nearest_name(str(tier), TIERS)
        hint = f" Did you mean {meant!r}?" if meant else ""
        raise SettingsError(f"{where}: {shown(tier)} is not one of {', '.join(TIERS)}.{hint}")
