"""The options and the findings of a benchmark; prints them as a table and writes them as JSON."""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

_FILE_WIDTH = 130  # columns of a table that is not printed to a terminal


@dataclass(frozen=True, slots=True)
class Options:
    """The user's options: a folder with ``node_modules``, a Whisper model, requests, a part of the benchmark.

    ``requests`` is how many ``endurance`` and ``soak`` send; an empty ``part`` is all of a benchmark.
    """

    aimock: Path | None = None
    model: str = "auto"
    requests: int = 1_000_000
    part: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One finding: ``ours`` against ``rival``, both in ``unit``. Less is better.

    ``target`` is what the ratio of the two should not exceed; without one the row has no verdict. A row that was
    not measured has a ``note`` that says why, and no figures.
    """

    what: str
    unit: str = ""
    ours: float | None = None
    rival: float | None = None
    target: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Return ``ours`` / ``rival``."""
        return self.ours / self.rival if self.ours is not None and self.rival else None

    @property
    def verdict(self) -> str:
        """Return ``pass`` or ``FAIL``; an empty text without a target or a ratio."""
        if self.target is None or self.ratio is None:
            return ""
        return "pass" if self.ratio <= self.target else "FAIL"


Benchmark = Callable[[Options], Iterator[Row]]


def print_progress(name: str, found: Row | str) -> None:
    """Print a row or another sign of progress on the standard error stream."""
    if isinstance(found, Row):
        figures = " against ".join(
            filter(None, (_figure(found.ours, found.unit), _figure(found.rival, found.unit)))
        )
        found = f"{found.what}: " + ", ".join(filter(None, (figures, found.verdict, found.note)))
    print(f"{name}: {found}", file=sys.stderr, flush=True)


def print_table(name: str, description: str, rows: Sequence[Row]) -> None:
    """Print the findings of one benchmark."""
    from rich.console import Console
    from rich.table import Table

    table = Table("what")
    for column in ("ratio", "target", "verdict", "ours", "against"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("note")
    for row in rows:
        measured = [_figure(row.ours, row.unit), _figure(row.rival, row.unit)]
        target = "" if row.target is None else f"<= {row.target:g}"
        style = {"pass": "green", "FAIL": "bold red"}.get(row.verdict)
        table.add_row(row.what, _figure(row.ratio, ""), target, row.verdict, *measured, row.note, style=style)
    console = Console(width=None if sys.stdout.isatty() else _FILE_WIDTH)
    console.print(f"\n[bold]{name}[/bold]: {description}")
    console.print(table)


def write_json(path: Path, findings: dict[str, list[Row]]) -> None:
    """Write the findings of all benchmarks, and the machine that they were measured on."""
    machine = {"system": platform.platform(), "python": platform.python_version(), "cpus": os.cpu_count()}
    benchmarks = {
        name: [{**asdict(row), "ratio": row.ratio, "verdict": row.verdict} for row in rows]
        for name, rows in findings.items()
    }
    path.write_text(json.dumps({"machine": machine, "benchmarks": benchmarks}, indent=2) + "\n", "utf-8")


def _figure(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    decimals = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{decimals}f} {unit}".rstrip()
