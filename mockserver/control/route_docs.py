"""What code cannot tell of the calls of the control API: the rows of ``route_docs.toml``."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.catalog.reading import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

_FILE = Path(__file__).with_suffix(".toml")


@cache
def route_rows() -> Mapping[str, Mapping[str, Any]]:
    """The rows by call, such as ``GET /_mock/models/{name}``."""
    return read_table(_FILE)
