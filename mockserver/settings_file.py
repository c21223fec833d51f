"""Reads ``mockserver.toml``: settings, the accounts that it declares, and limits of one's own."""

from __future__ import annotations

import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

from mockserver.settings import CONFIG_FILE, TIERS, AccountRow, LimitRow, SettingsError, checked, option_named


def read_file(config: Path | None) -> dict[str, Any]:
    """The settings, accounts and limits of ``config``, else of ``mockserver.toml`` where there is one.

    Raises ``SettingsError`` naming the file, the key and what is expected.
    """
    path = config or Path(CONFIG_FILE)
    if config is None and not path.is_file():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError:
        raise SettingsError(f"{path}: there is no such file. Name another, or none.") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as TOML: {error}") from error
    accounts = table.pop("accounts", [])
    if not isinstance(accounts, list):
        raise SettingsError(
            f"{path}: accounts: is not a list. Write each account below its own [[accounts]]."
        )
    rows: tuple[LimitRow, ...] = ()
    if isinstance(table.get("limits"), dict):
        rows = _limit_rows(table.pop("limits"), f"{path}: limits")
    values: dict[str, Any] = {
        name: checked(option_named(name, str(path)), value, f"{path}: {name}")
        for name, value in table.items()
    }
    values["limit_rows"] = rows
    values["accounts"] = tuple(_account(row, f"{path}: accounts[{i}]") for i, row in enumerate(accounts))
    return values


def _account(row: object, source: str) -> AccountRow:
    known = [option.name for option in fields(AccountRow)]
    if not isinstance(row, dict) or not isinstance(row.get("key"), str) or not row["key"]:
        raise SettingsError(f"{source}: needs a `key`, the API key of the account.")
    for name, value in row.items():
        if name == "limits" and isinstance(value, dict):
            continue
        if name not in known or not (
            _is_list_of_texts(value) if name == "models" else isinstance(value, str)
        ):
            kinds = (
                "`models` with a list, a table of `limits`, or key, organization, project or tier with a text"
            )
            raise SettingsError(f"{source}.{name}: is not {kinds}.")
    if row.get("tier", "free") not in TIERS:
        raise SettingsError(f"{source}.tier: {row['tier']!r} is not one of {', '.join(TIERS)}.")
    limits = _limit_rows(row.get("limits", {}), f"{source}.limits")
    return AccountRow(**(row | {"models": tuple(row.get("models", ())), "limits": limits}))


def _limit_rows(table: dict[str, Any], source: str) -> tuple[LimitRow, ...]:
    """``[limits.GROUP]`` and ``[limits.GROUP.TIER]`` tables, the wider ones first."""
    rows: list[LimitRow] = []
    for group, members in table.items():
        if not isinstance(members, dict):
            raise SettingsError(
                f"{source}.{group}: is not a table of limits, such as requests_per_minute = 3."
            )
        tiers = {name: value for name, value in members.items() if isinstance(value, dict)}
        own = {name: value for name, value in members.items() if name not in tiers}
        rows.append(LimitRow(group, None, _limit_amounts(own, f"{source}.{group}")))
        for tier, amounts in tiers.items():
            if tier not in TIERS:
                raise SettingsError(f"{source}.{group}.{tier}: is not one of the tiers {', '.join(TIERS)}.")
            rows.append(LimitRow(group, tier, _limit_amounts(amounts, f"{source}.{group}.{tier}")))
    return tuple(rows)


def _limit_amounts(table: dict[str, Any], source: str) -> tuple[tuple[str, int | None], ...]:
    from mockserver.limits.overrides import parse_overrides

    try:
        return tuple(parse_overrides(",".join(f"{name}={value}" for name, value in table.items())).items())
    except ValueError as error:
        raise SettingsError(f"{source}: {error}.") from error


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
