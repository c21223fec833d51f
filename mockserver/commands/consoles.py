"""The console that tables are printed to."""

from __future__ import annotations

import os

from rich.console import Console

_WIDTH = 140  # characters, where no terminal limits it


def table_console() -> Console:
    """Return a console as wide as the terminal; without a terminal, wide enough that no name in a table is folded."""
    console = Console()
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = max(console.width, _WIDTH)
    return console
