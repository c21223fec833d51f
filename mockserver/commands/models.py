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
    table = Table("model", "resolves to", "endpoints", "shuts down")
    for model in Catalog().models:
        snapshot = model.snapshot if model.snapshot != model.id else ""
        table.add_row(model.id, snapshot, ", ".join(model.endpoints), model.shutdown_date or "")
    console = Console()
    console.print(table)
    console.print("`mockserver models NAME` shows everything known about one.")


def show_model(name: str) -> None:
    """Prints a model's card."""
    catalog = Catalog()
    if catalog.model(name) is None:
        fail(f"there is no model {name!r}. `mockserver models` lists them.")
    console = Console(highlight=False)
    for line in _lines(catalog.card(name)):
        console.print(line, markup=False, soft_wrap=True)


def _lines(value: Any, indent: str = "") -> list[str]:
    """A nested value as indented lines; what is absent is left out."""
    lines = []
    for name, member in (
        value.items() if isinstance(value, dict) else ((f"{n}.", v) for n, v in enumerate(value, 1))
    ):
        if member is None or member in ({}, []):
            continue
        if isinstance(member, dict) or (isinstance(member, list) and isinstance(member[0], dict)):
            lines += [f"{indent}{name}:", *_lines(member, indent + "  ")]
        elif isinstance(member, list):
            lines.append(f"{indent}{name}: {', '.join(str(each) for each in member)}")
        else:
            shown = (
                f"{member:,}"
                if isinstance(member, int) and not isinstance(member, bool) and member > 9999
                else member
            )
            lines.append(f"{indent}{name}: {shown}")
    return lines


def pull_model(name: str) -> None:
    """Downloads a Whisper model into the local cache."""
    from mockserver.engines.whisper import EngineFailed
    from mockserver.engines.whisper import pull_model as pull

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
