"""Reads settings from ``mockserver.toml``, with its accounts, limits and models, and from the environment."""

from __future__ import annotations

import logging
import os
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.resources import FileNotReadable, read_text
from mockserver.settings.account_rows import AccountRow, LimitRow, check_accounts, check_tier
from mockserver.settings.deployment_rows import check_deployments, deployment_of
from mockserver.settings.model import OPTIONS, Settings
from mockserver.settings.values import SettingsError, checked, kind_of
from mockserver.settings.webhook_rows import check_webhooks, webhook_row
from mockserver.wording import nearest_name, shown, suggestion

if TYPE_CHECKING:
    from mockserver.catalog.tables import Catalog
    from mockserver.settings.deployment_rows import DeploymentRow

log = logging.getLogger(__name__)

CONFIG_FILE = "mockserver.toml"
ENVIRONMENT_PREFIX = "MOCKSERVER_"
_TABLES = ("accounts", "models", "deployments", "webhooks")  # only in the file

# Types of the keys of an account that are not strings, and their names in messages.
_KINDS: Mapping[str, tuple[type, str]] = {"models": (list, "list of strings"), "limits": (dict, "table")}


def load_settings(
    config: Path | None = None, environ: Mapping[str, str] | None = None, **overrides: object
) -> Settings:
    """Return the settings of ``mockserver.toml`` (or ``config``), then the environment, then ``overrides``.

    Raises ``SettingsError`` naming the file or variable, the key and the expected value.
    """
    values = read_file(config)
    values.update(_from_environment(environ or {}))
    for name, value in overrides.items():
        values[name] = checked(_option_named(name, "argument"), value, f"argument {name}")
    return Settings(**values)


def read_file(config: Path | None) -> dict[str, Any]:
    """Return the settings, accounts and limits of ``config``, else of ``mockserver.toml`` if it exists.

    Raises ``SettingsError`` naming the file, the key and the expected value.
    """
    path = config or Path(CONFIG_FILE)
    if config is None and not _exists(path):
        return {}
    table = _read_toml(path)
    accounts = table.pop("accounts", [])
    if not isinstance(accounts, list):
        raise SettingsError(
            f"{path}: accounts: is not a list. Write each account under its own [[accounts]] header."
        )
    models = _list_of_tables(table.pop("models", []), f"{path}: models", "model")
    deployments = _list_of_tables(table.pop("deployments", []), f"{path}: deployments", "deployment")
    webhooks = _list_of_tables(table.pop("webhooks", []), f"{path}: webhooks", "endpoint")
    rows: tuple[LimitRow, ...] = ()
    if isinstance(table.get("limits"), dict):
        limits = table.pop("limits")
        if _observed(limits, f"{path}: limits"):
            table["limits"] = "observed"
        rows = _limit_rows(limits, f"{path}: limits")
    values: dict[str, Any] = {
        name: checked(_option_named(name, str(path)), value, f"{path}: {name}")
        for name, value in table.items()
    }
    values["limit_rows"] = rows
    values["models"] = models
    values["deployments"] = tuple(
        deployment_of(row, f"{path}: deployments[{i}]") for i, row in enumerate(deployments)
    )
    check_deployments(values["deployments"], f"{path}: deployments")
    values["webhooks"] = tuple(webhook_row(row, f"{path}: webhooks[{i}]") for i, row in enumerate(webhooks))
    check_webhooks(values["webhooks"], f"{path}: webhooks")
    values["accounts"] = tuple(_account(row, f"{path}: accounts[{i}]") for i, row in enumerate(accounts))
    check_accounts(values["accounts"], f"{path}: accounts")
    by_model = any(account.limits or account.models for account in values["accounts"])
    if models or rows or deployments or by_model:
        _check_with_catalog(values, f"{path}: ")
    return values


def _exists(path: Path) -> bool:
    """Return whether there is a settings file. Warn if the working folder does not let the program look for it."""
    try:
        path.lstat()
    except PermissionError as error:
        log.warning("Cannot look for %s in the working folder: %s.", path, error.strerror)
        return False
    except OSError:
        return False
    return True


def _read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a TOML file. Raises ``SettingsError``."""
    try:
        return tomllib.loads(read_text(path))
    except FileNotReadable as error:
        raise SettingsError(f"{path}: {error}") from error
    except RecursionError:
        raise SettingsError(f"{path}: cannot be read as TOML: it is nested too deeply.") from None
    except ValueError as error:  # also numbers of more digits than Python reads
        raise SettingsError(f"{path}: cannot be read as TOML: {error}.") from error


def _check_with_catalog(values: Mapping[str, Any], source: str) -> None:
    """Raise ``SettingsError`` for models that the catalog rejects, and for unknown limit groups."""
    from mockserver.catalog.tables import Catalog

    catalog = Catalog()
    add_models(catalog, values["models"], f"{source}models")
    add_deployments(catalog, values["deployments"], f"{source}deployments")
    check_limits(values["limit_rows"], values["accounts"], catalog, source)


def _account(row: object, source: str) -> AccountRow:
    """Return an ``[[accounts]]`` table as a row. Checks names and types; ``check_accounts`` checks the values."""
    if not isinstance(row, dict) or "key" not in row:
        raise SettingsError(f"{source}: `key` is missing. Add the API key of the account.")
    known = [option.name for option in fields(AccountRow)]
    for name, value in row.items():
        if name not in known:
            raise SettingsError(f"{source}: unknown key {shown(name)}. {suggestion(name, known)}")
        kind, kind_name = _KINDS.get(name, (str, "string"))
        if not isinstance(value, kind):
            raise SettingsError(f"{source}.{name}: {shown(value)} is not a {kind_name}.")
    limits = _limit_rows(row.get("limits", {}), f"{source}.limits")
    return AccountRow(**(row | {"models": tuple(row.get("models", ())), "limits": limits}))


def _list_of_tables(rows: object, source: str, what: str) -> tuple[dict[str, Any], ...]:
    """Return ``[[models]]`` or similar tables, unchecked. Raises ``SettingsError`` if they are not a list of tables."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SettingsError(
            f"{source}: is not a list of tables. Write each {what} under its own [[{source.split()[-1]}]] header."
        )
    return tuple(rows)


def catalog_of(settings: Settings) -> Catalog:
    """Return the catalog with the models and the deployments of the settings.

    Raises ``SettingsError`` for a model that it rejects, and for a deployment of an unknown model.
    """
    from mockserver.catalog.tables import Catalog

    catalog = Catalog()
    add_models(catalog, settings.models, "models")
    add_deployments(catalog, settings.deployments, "deployments")
    return catalog


def add_deployments(catalog: Catalog, rows: Iterable[DeploymentRow], source: str) -> None:
    """Add the deployments of a configuration to ``catalog``.

    One with limits of its own is a limit group. Raises ``SettingsError`` for an unknown model.
    """
    for number, row in enumerate(rows):
        model = catalog.model(row.model)
        if model is None:
            known = [each.id for each in catalog.models_of(None)]
            hint = _meant(row.model, known, "models")
            raise SettingsError(f"{source}[{number}].model: unknown model {shown(row.model)}. {hint}")
        catalog.deploy(row.name, model, row.limit_group if row.limits else model.limit_group)


def add_models(catalog: Catalog, rows: Iterable[Mapping[str, Any]], source: str) -> None:
    """Add the models of a configuration to ``catalog``. Raises ``SettingsError`` naming ``source`` and the row."""
    from mockserver.catalog.reading import CatalogError

    for where, row in _in_order(rows, source):
        try:
            catalog.own_models.add(dict(row), where, configured=True)
        except CatalogError as error:
            raise SettingsError(f"{error}".rstrip(".") + ("" if f"{error}".endswith("?") else ".")) from error


def _in_order(rows: Iterable[Mapping[str, Any]], source: str) -> Iterable[tuple[str, Mapping[str, Any]]]:
    """Return the models of a configuration with their places, sorted so that each follows its ``like`` model.

    Raises ``SettingsError`` for a duplicate id and for a circle of ``like``.
    """
    by_id: dict[object, tuple[str, Mapping[str, Any]]] = {}
    for number, row in enumerate(rows):
        where, given = f"{source}[{number}]", row.get("id")
        model_id: object = given if isinstance(given, str) else number  # a missing id is refused later
        if model_id in by_id:
            raise SettingsError(f"{where}.id: {by_id[model_id][0]} has the same id {model_id!r}. Keep one.")
        by_id[model_id] = where, row
    ordered: dict[object, tuple[str, Mapping[str, Any]]] = {}

    def put(model_id: object, heirs: tuple[object, ...]) -> None:
        where, row = by_id[model_id]
        like = row.get("like")
        if isinstance(like, str) and like in by_id and like != model_id and like not in ordered:
            if like in heirs:
                raise SettingsError(
                    f"{where}.like: {like!r} is itself like {model_id!r}. Let one of them be like a model of the API."
                )
            put(like, (*heirs, model_id))
        ordered.setdefault(model_id, (where, row))

    for model_id in by_id:
        put(model_id, ())
    return ordered.values()


def _limit_rows(table: dict[str, Any], source: str) -> tuple[LimitRow, ...]:
    """Return the ``[limits.GROUP]`` and ``[limits.GROUP.TIER]`` tables, those for all tiers first."""
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
            check_tier(tier, f"{source}.{group}")
            rows.append(_limit_row(group, tier, amounts, f"{source}.{group}.{tier}"))
    return tuple(rows)


def _limit_row(group: str, tier: str | None, table: dict[str, Any], source: str) -> LimitRow:
    observed = _observed(table, source)
    return LimitRow(group, tier, _limit_amounts(table, source), observed)


def _observed(table: dict[str, Any], source: str) -> bool:
    """Remove ``observed`` from a table of limits and return its value. Raises ``SettingsError``."""
    observed = table.pop("observed", False)
    if not isinstance(observed, bool):
        raise SettingsError(f"{source}.observed: {observed!r} is not true or false.")
    return observed


def _limit_amounts(table: dict[str, Any], source: str) -> tuple[tuple[str, int | None], ...]:
    from mockserver.settings.limit_overrides import limit_of

    try:
        return tuple((name, limit_of(name, value)) for name, value in table.items())
    except ValueError as error:
        raise SettingsError(f"{source}: {error}.") from error


def _option_named(name: str, source: str) -> Field[Any]:
    """Return the setting ``name``. Raises ``SettingsError`` naming the ``source`` if there is none."""
    for option in OPTIONS:
        if option.name == name:
            return option
    raise SettingsError(f"{source}: unknown setting {shown(name)}. {_hint(name)}")


def _from_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    options = {ENVIRONMENT_PREFIX + option.name.upper(): option for option in OPTIONS}
    values = {}
    for variable, text in environ.items():
        option = options.get(variable)
        if _SERVICE_LINK.match(f"{variable}={text}"):
            continue
        if option is not None:
            value = text.split(os.pathsep) if kind_of(option) is tuple else text
            values[option.name] = checked(option, value, variable)
        elif variable.startswith(ENVIRONMENT_PREFIX):
            if variable not in _namesake_variables():
                raise SettingsError(_unknown(variable))
            log.warning(
                "%s is a variable of MockServer and its mockserver-client. It is ignored here.", variable
            )
    return values


# Variables that Kubernetes sets in pods for a service named "mockserver".
_SERVICE_LINK = re.compile(ENVIRONMENT_PREFIX + r"(SERVICE_|PORT_|PORT=(tcp|udp|sctp)://)")


def _namesake_variables() -> set[str]:
    """Return the environment variables that MockServer, another program, reads."""
    from mockserver.catalog.reading import read_table

    table = read_table(Path(__file__).parents[1] / "catalog" / "namesake_variables.toml")
    return {variable for variables in table.values() for variable in variables}


def _unknown(variable: str) -> str:
    name = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
    hint = _hint(name, spelled=lambda known: ENVIRONMENT_PREFIX + known.upper())
    return f"{variable}: unknown setting. {hint}"


def _hint(name: str, spelled: Callable[[str], str] = repr) -> str:
    """Return a suggestion for an unknown setting ``name``; ``spelled`` writes a setting's name as the source does."""
    known = [*(option.name for option in OPTIONS), *_TABLES]
    nearest = nearest_name(name.replace("-", "_"), known)
    return f"Did you mean {spelled(nearest)}?" if nearest else "`mockserver serve --help` lists the settings."


def check_limits(
    limit_rows: Iterable[LimitRow], accounts: Iterable[AccountRow], catalog: Catalog, source: str = ""
) -> None:
    """Raise ``SettingsError`` for unknown limit groups and models, naming the ``source`` of the rows."""
    rows = [("", row) for row in limit_rows]
    rows += [(f"accounts[{i}].", row) for i, each in enumerate(accounts) for row in each.limits]
    allowed = [(f"accounts[{i}].", model) for i, each in enumerate(accounts) for model in each.models]
    if not rows and not allowed:
        return
    groups = sorted({model.limit_group for model in catalog.every_model})
    for place, row in rows:
        if row.group not in groups:
            where = f"{source}{place}limits.{row.group}"
            raise SettingsError(f"{where}: unknown limit group. {_meant(row.group, groups, 'limits')}")
    models = sorted({model.id for model in catalog.every_model})
    for place, name in allowed:
        if name not in models:
            raise SettingsError(
                f"{source}{place}models: unknown model {shown(name)}. {_meant(name, models, 'models')}"
            )


def _meant(name: str, known: Collection[str], command: str) -> str:
    """Return the most similar ``known`` name as a suggestion, else the ``command`` that lists them."""
    return suggestion(name, known, f"`mockserver {command}` lists them.")
