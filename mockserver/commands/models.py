"""The commands ``mockserver models``, ``models show`` and ``models pull``."""

from __future__ import annotations

import json
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from mockserver.commands.consoles import table_console
from mockserver.commands.failures import fail
from mockserver.settings.loading import catalog_of
from mockserver.wording import shown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.catalog.records import ModelCard
    from mockserver.settings.model import Settings


def list_models(settings: Settings, *, as_json: bool = False) -> None:
    """Print all models of the API and of the settings, as a table or as JSON."""
    catalog = catalog_of(settings)
    models = catalog.models_of(None)
    if as_json:
        _print_json([_facts(model) for model in models])
        return
    table = Table("model", "resolves to", "endpoints", "shuts down", box=box.SIMPLE_HEAD)
    for column in table.columns:
        column.overflow = "fold"
    for model in models:
        snapshot = model.snapshot if model.snapshot != model.id else ""
        table.add_row(model.id, snapshot, _names(model.endpoints), model.shutdown_date or "")
    for listing in catalog.listings:
        upstream = listing.upstream if listing.upstream != listing.model else ""
        if upstream or listing.endpoints:
            table.add_row(listing.model, upstream, f"{_names(listing.endpoints)} ({listing.provider})", "")
    console = table_console()
    console.print(table)
    console.print(
        "`mockserver models NAME` shows everything known about one. `mockserver doctor` names the Whisper model in use."
    )


def list_retiring(settings: Settings, days: int, first: str | None, *, as_json: bool = False) -> None:
    """Print the models with an announced shutdown within ``days`` from ``first``, sorted by date."""
    try:
        today = date.fromisoformat(first) if first else datetime.now(UTC).date()
    except ValueError:
        fail(f"--from: {shown(first)} is not a date. Write it as YYYY-MM-DD.")
    try:
        last = (today + timedelta(days=days)).isoformat()
    except OverflowError:
        last = date.max.isoformat()
    found = [
        model
        for model in catalog_of(settings).models_of(None)
        if model.shutdown_date and today.isoformat() <= model.shutdown_date <= last
    ]
    found.sort(key=lambda model: model.shutdown_date or "")
    if as_json:
        _print_json([_facts(model) for model in found])
        return
    console = Console(soft_wrap=True)
    if not found:
        console.print(f"No model shuts down from {today} to {last}.")
        return
    table = Table("shuts down", "in days", "model", "source")
    table.columns[1].justify = "right"
    for model in found:
        shutdown = date.fromisoformat(model.shutdown_date or "")
        source = model.sources.get("shutdown_date", "deprecations page")
        other = model.conflicts.get("shutdown_date")
        sources = f"{source}; {other}" if other else source
        table.add_row(str(shutdown), str((shutdown - today).days), model.id, sources)
    console.print(table)


def _names(endpoints: Iterable[str]) -> str:
    return ", ".join(each.removeprefix("v1/") for each in endpoints)


def _facts(model: ModelCard) -> dict[str, Any]:
    return {
        "id": model.id,
        "snapshot": model.snapshot,
        "endpoints": list(model.endpoints),
        "shutdown_date": model.shutdown_date,
        "conflicts": model.conflicts,
    }


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def show_model(settings: Settings, name: str) -> None:
    """Print everything known about a model."""
    try:
        card = catalog_of(settings).card(name)
    except KeyError:
        fail(f"unknown model {shown(name)}. `mockserver models` lists them.")
    console = Console(highlight=False)
    for line in _lines(card):
        console.print(line, markup=False, soft_wrap=True)


def _lines(value: Any, indent: str = "") -> list[str]:
    """Return a nested value as indented lines, without empty members."""
    members = (
        value.items() if isinstance(value, dict) else ((f"{n}.", member) for n, member in enumerate(value, 1))
    )
    lines = []
    for name, member in members:
        if member is None or member in ({}, [], ""):
            continue
        if isinstance(member, dict) or (isinstance(member, list) and isinstance(member[0], dict)):
            lines += [f"{indent}{name}:", *_lines(member, indent + "  ")]
        elif isinstance(member, list):
            lines.append(f"{indent}{name}: {', '.join(str(each) for each in member)}")
        else:
            lines.append(f"{indent}{name}: {_shown(name, member)}")
    return lines


def _shown(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and name != "created" else str(value)


def pull_model(name: str) -> None:
    """Download a Whisper model into the local cache."""
    from mockserver.engines.transcription import EngineFailed
    from mockserver.engines.whisper.models import pull_model as pull

    console = Console(stderr=True)
    try:
        with Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console
        ) as progress:
            task = progress.add_task(f"downloading {name}", total=None)
            folder = pull(name, lambda received: progress.update(task, completed=received))
    except EngineFailed as error:
        fail(error)
    console.print(f"{name} is in {folder}. The server finds it there; --whisper-model {name} selects it.")
