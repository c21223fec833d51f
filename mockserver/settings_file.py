"""Reads ``mockserver.toml``: settings, the accounts that it declares, and limits of one's own."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.settings import CONFIG_FILE, TIERS, AccountRow, LimitRow, SettingsError, checked, option_named

if TYPE_CHECKING:
    from mockserver.catalog.tables import Catalog
    from mockserver.settings import Settings

_SENDABLE = re.compile("[ -~]{1,200}")


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
    models = _list_of_tables(table.pop("models", []), f"{path}: models")
    rows: tuple[LimitRow, ...] = ()
    if isinstance(table.get("limits"), dict):
        limits = table.pop("limits")
        if _observed(limits, f"{path}: limits"):
            table["limits"] = "observed"
        rows = _limit_rows(limits, f"{path}: limits")
    values: dict[str, Any] = {
        name: checked(option_named(name, str(path)), value, f"{path}: {name}")
        for name, value in table.items()
    }
    values["limit_rows"] = rows
    values["models"] = models
    values["accounts"] = tuple(_account(row, f"{path}: accounts[{i}]") for i, row in enumerate(accounts))
    _check_keys(values["accounts"], f"{path}: accounts")
    if models or rows or any(account.limits for account in values["accounts"]):
        _check_with_catalog(values, f"{path}: ")
    return values


def _check_keys(accounts: tuple[AccountRow, ...], source: str) -> None:
    """Raises ``SettingsError`` for an API key that two accounts have."""
    places: dict[str, int] = {}
    for number, account in enumerate(accounts):
        if account.key in places:
            raise SettingsError(
                f"{source}[{number}].key: accounts[{places[account.key]}] has this key, too. Keep one."
            )
        places[account.key] = number


def _check_with_catalog(values: Mapping[str, Any], source: str) -> None:
    """Raises ``SettingsError`` for models that the catalog cannot take, and for limit groups that there are not."""
    from mockserver.catalog.tables import Catalog
    from mockserver.limits.overrides import check_limits

    catalog = Catalog()
    add_models(catalog, values["models"], f"{source}models")
    check_limits(values["limit_rows"], values["accounts"], catalog, source)


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
    for name in ("organization", "project"):
        if name in row and not _SENDABLE.fullmatch(row[name]):
            reason = "cannot be sent in a header. Write up to 200 characters of ASCII"
            raise SettingsError(f"{source}.{name}: {row[name]!r} {reason}.")
    if row.get("tier", "free") not in TIERS:
        raise SettingsError(f"{source}.tier: {row['tier']!r} is not one of {', '.join(TIERS)}.")
    limits = _limit_rows(row.get("limits", {}), f"{source}.limits")
    return AccountRow(**(row | {"models": tuple(row.get("models", ())), "limits": limits}))


def _list_of_tables(rows: object, source: str) -> tuple[dict[str, Any], ...]:
    """``[[models]]`` tables, as they are written. Raises ``SettingsError`` for anything else."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SettingsError(f"{source}: is not a list of tables. Write each model below its own [[models]].")
    return tuple(rows)


def catalog_of(settings: Settings) -> Catalog:
    """Return the catalog with the models of the settings. Raises ``SettingsError`` for a model that it cannot take."""
    from mockserver.catalog.tables import Catalog

    catalog = Catalog()
    add_models(catalog, settings.models, "models")
    return catalog


def add_models(catalog: Catalog, rows: Iterable[Mapping[str, Any]], source: str) -> None:
    """Adds the models of a configuration. Raises ``SettingsError`` telling the ``source`` and the place in it."""
    from mockserver.catalog.reading import CatalogError

    for where, row in _in_order(rows, source):
        try:
            catalog.own_models.add(dict(row), where, configured=True)
        except CatalogError as error:
            raise SettingsError(f"{error}".rstrip(".") + ("" if f"{error}".endswith("?") else ".")) from error


def _in_order(rows: Iterable[Mapping[str, Any]], source: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Return the models of a configuration with their places, each after the one that it is like.

    Raises ``SettingsError`` for an id that is there twice, and for models that are like each other.
    """
    by_id: dict[object, tuple[str, Mapping[str, Any]]] = {}
    for number, row in enumerate(rows):
        where, model_id = f"{source}[{number}]", row.get("id")
        if model_id in by_id:
            raise SettingsError(f"{where}.id: {by_id[model_id][0]} has the id {model_id!r}, too. Keep one.")
        by_id[model_id if isinstance(model_id, str) else number] = where, row
    ordered: dict[object, tuple[str, Mapping[str, Any]]] = {}

    def put(model_id: object, heirs: tuple[object, ...]) -> None:
        where, row = by_id[model_id]
        like = row.get("like")
        if isinstance(like, str) and like in by_id and like != model_id and like not in ordered:
            if like in heirs:
                raise SettingsError(
                    f"{where}.like: {like!r} is itself like {model_id!r}. Have one of them be like a model of the API."
                )
            put(like, (*heirs, model_id))
        ordered.setdefault(model_id, (where, row))

    for model_id in by_id:
        put(model_id, ())
    return ordered.values()


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
        rows.append(_limit_row(group, None, own, f"{source}.{group}"))
        for tier, amounts in tiers.items():
            if tier not in TIERS:
                raise SettingsError(f"{source}.{group}.{tier}: is not one of the tiers {', '.join(TIERS)}.")
            rows.append(_limit_row(group, tier, amounts, f"{source}.{group}.{tier}"))
    return tuple(rows)


def _limit_row(group: str, tier: str | None, table: dict[str, Any], source: str) -> LimitRow:
    observed = _observed(table, source)
    return LimitRow(group, tier, _limit_amounts(table, source), observed)


def _observed(table: dict[str, Any], source: str) -> bool:
    """Take ``observed`` out of a table of limits: whether observed limits hold. Raises ``SettingsError``."""
    observed = table.pop("observed", False)
    if not isinstance(observed, bool):
        raise SettingsError(f"{source}.observed: {observed!r} is not true or false.")
    return observed


def _limit_amounts(table: dict[str, Any], source: str) -> tuple[tuple[str, int | None], ...]:
    from mockserver.limits.overrides import parse_overrides

    try:
        return tuple(parse_overrides(",".join(f"{name}={value}" for name, value in table.items())).items())
    except ValueError as error:
        raise SettingsError(f"{source}: {error}.") from error


def _is_list_of_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)
