"""Deployments of a configuration: rows of ``mockserver.toml`` or of ``Settings(...)``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from mockserver.settings.account_rows import LimitRow, check_limit_rows
from mockserver.settings.values import SettingsError
from mockserver.wording import shown, suggestion

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")  # what the service allows


@dataclass(frozen=True)
class DeploymentRow:
    """A ``[[deployments]]`` entry: the name of an Azure deployment, its model, and limits of its own.

    Without limits it shares those of the model.
    """

    name: str
    model: str
    limits: tuple[tuple[str, int | None], ...] = ()

    @property
    def limit_group(self) -> str:
        """Return the name of the limit group of a deployment with limits of its own."""
        return f"deployments/{self.name}"

    @property
    def limit_row(self) -> LimitRow:
        """Return its limits as the row of its limit group."""
        return LimitRow(self.limit_group, None, self.limits)


def deployment_of(row: object, source: str) -> DeploymentRow:
    """Return a ``[[deployments]]`` table as a row. Raises ``SettingsError``.

    ``check_deployments`` checks the values.
    """
    if not isinstance(row, Mapping):
        raise SettingsError(f"{source}: is not a table.")
    known = [option.name for option in fields(DeploymentRow)]
    for name in row:
        if name not in known:
            raise SettingsError(f"{source}: unknown key {shown(name)}. {suggestion(str(name), known)}")
    for name in ("name", "model"):
        if name not in row:
            raise SettingsError(f"{source}: `{name}` is missing. Add the {name} of the deployment.")
    return DeploymentRow(row["name"], row["model"], _limits(row.get("limits", {}), f"{source}.limits"))


def _limits(table: Any, source: str) -> tuple[tuple[str, int | None], ...]:
    from mockserver.settings.limit_overrides import limit_of

    if not isinstance(table, Mapping):
        raise SettingsError(f"{source}: is not a table of limits, such as requests_per_minute = 3.")
    try:
        return tuple((name, limit_of(name, value)) for name, value in table.items())
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{source}: {error}.") from error


def check_deployments(rows: Sequence[DeploymentRow], source: str) -> None:
    """Raise ``SettingsError`` naming the ``source`` for an invalid deployment or a duplicate name."""
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise SettingsError(f"{source}: {shown(rows)} is not a list of DeploymentRows.")
    places: dict[str, int] = {}
    for number, row in enumerate(rows):
        where = f"{source}[{number}]"
        if not isinstance(row, DeploymentRow):
            raise SettingsError(f"{where}: is not a DeploymentRow.")
        if not isinstance(row.name, str) or not _NAME.fullmatch(row.name):
            raise SettingsError(
                f"{where}.name: {shown(row.name)} is not the name of a deployment. "
                "Write 1 to 64 letters, digits, '-', '_' and '.'."
            )
        if not isinstance(row.model, str) or not row.model:
            raise SettingsError(f"{where}.model: {shown(row.model)} is not the id of a model.")
        check_limit_rows((row.limit_row,), where)
        if row.name in places:
            raise SettingsError(f"{where}.name: deployments[{places[row.name]}] has the same name. Keep one.")
        places[row.name] = number
