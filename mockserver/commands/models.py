"""``mockserver models``."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from mockserver.catalog.tables import Catalog
from mockserver.commands.failures import fail


def list_models() -> None:
    """Prints a table of all models."""
    catalog = Catalog()
    table = Table("model", "resolves to", "endpoints", "shuts down")
    for column in table.columns:
        column.overflow = "fold"
    for model in catalog.models:
        snapshot = model.snapshot if model.snapshot != model.id else ""
        table.add_row(model.id, snapshot, ", ".join(model.endpoints), model.shutdown_date or "")
    for listing in catalog.listings:
        upstream = listing.upstream if listing.upstream != listing.model else ""
        if upstream or listing.endpoints:
            table.add_row(
                listing.model, upstream, ", ".join((*listing.endpoints, f"({listing.provider})")), ""
            )
    console = Console()
    console.print(table)
    console.print(
        "`mockserver models NAME` shows everything known about one. `mockserver doctor` says which Whisper listens."
    )


def show_model(name: str) -> None:
    """Prints a model's card."""
    try:
        card = Catalog().card(name)
    except KeyError:
        fail(f"there is no model {name!r}. `mockserver models` lists them.")
    console = Console(highlight=False)
    for line in _lines(card):
        console.print(line, markup=False, soft_wrap=True)


def _lines(value: Any, indent: str = "") -> list[str]:
    """A nested value as indented lines; what is absent is left out."""
    members = (
        value.items() if isinstance(value, dict) else ((f"{n}.", member) for n, member in enumerate(value, 1))
    )
    lines = []
    for name, member in members:
        if member is None or member in ({}, []):
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
    """Downloads a Whisper model into the local cache."""
    from mockserver.engines.transcription import EngineFailed
    from mockserver.engines.whisper_models import pull_model as pull

    console = Console(stderr=True)
    try:
        with Progress(
            TextColumn("{task.description}"), BarColumn(), DownloadColumn(), console=console
        ) as progress:
            task = progress.add_task(f"downloading {name}", total=None)
            folder = pull(name, lambda received: progress.update(task, completed=received))
    except EngineFailed as error:
        fail(error)
    console.print(
        f"{name} is in {folder}. The server finds it by itself; --whisper-model {name} insists on it."
    )
