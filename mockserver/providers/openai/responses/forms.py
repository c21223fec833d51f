"""The built-in tools and the items of responses, from the tables of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

from mockserver.catalog.reading import read_table, record

_FOLDER = Path(__file__).parents[3] / "catalog"
_WORDS = "{words}"


class BuiltInTool(msgspec.Struct, frozen=True):
    """A built-in tool: the members that responses ``echo``, the ``item`` that shows its use, and who ``runs`` it."""

    echo: dict[str, Any]
    item: str = ""
    runs: Literal["server", "client"] = "server"


class Streamed(msgspec.Struct, frozen=True):
    """The ``member`` of an item that is streamed piece by piece, and the name of its events."""

    member: str
    event: str


class ItemForm(msgspec.Struct, frozen=True):
    """The form of the items of one type (see ``catalog/response_output.toml``)."""

    members: dict[str, Any]
    in_progress: dict[str, Any] = {}
    progress: tuple[str, ...] = ()
    streamed: Streamed | None = None
    made_up: dict[str, Any] = {}

    def made_up_of(self, words: str) -> dict[str, Any]:
        """Return the members of an item that no stub gives, for a user's last ``words``."""
        return {name: _filled(value, words) for name, value in self.made_up.items()}


@cache
def built_in_tools() -> Mapping[str, BuiltInTool]:
    """Return the built-in tools by type."""
    rows = read_table(_FOLDER / "response_tools.toml")
    return {
        name: record(BuiltInTool, _parsed(row, "echo"), f"response_tools.toml, {name}")
        for name, row in rows.items()
    }


@cache
def item_forms() -> Mapping[str, ItemForm]:
    """Return the forms of items by type."""
    rows = read_table(_FOLDER / "response_output.toml")
    return {
        name: record(
            ItemForm, _parsed(row, "members", "in_progress", "made_up"), f"response_output.toml, {name}"
        )
        for name, row in rows.items()
    }


def _parsed(row: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Return a row with the texts of ``names`` read as JSON."""
    return dict(row) | {name: msgspec.json.decode(row[name]) for name in names if name in row}


def _filled(value: Any, words: str) -> Any:
    if isinstance(value, str):
        return value.replace(_WORDS, words)
    if isinstance(value, list):
        return [_filled(each, words) for each in value]
    return {name: _filled(each, words) for name, each in value.items()} if isinstance(value, dict) else value
