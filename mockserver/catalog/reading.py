"""Reads TOML tables into records and validates their keys and types."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msgspec import Struct

    Record = TypeVar("Record", bound=Struct)


_PACKAGE = Path(__file__).parents[1]
_END = "\n# End of the table.\n"


class CatalogError(Exception):
    """A table is malformed; the message names the file, the key and the remedy."""


def read_file(cls: type[Record], file: Path) -> Record:
    """Return the TOML ``file`` as a ``cls``."""
    return record(cls, dict(read_table(file)), file.name)


def read_table(file: Path) -> dict[str, Any]:
    """Return the content of a TOML ``file``. Raises ``CatalogError``, also when a missing key is read.

    The tables of this package end with a certain line, because a truncated file may still be valid TOML.
    """
    try:
        text = file.read_text(encoding="utf-8")
        if file.is_relative_to(_PACKAGE) and not text.endswith(_END):
            raise CatalogError(
                f"{file.name}: cut short, or without its last line {_END.strip()!r}; reinstall"
            )
        return _Table(file.name, tomllib.loads(text))
    except FileNotFoundError:
        raise CatalogError(f"{file.name}: missing from {file.parent}; put it back, or reinstall") from None
    except OSError as problem:
        raise CatalogError(
            f"{file.name}: cannot be read: {problem.strerror}; put it back, or reinstall"
        ) from None
    except (ValueError, RecursionError) as problem:
        raise CatalogError(f"{file.name}: not valid TOML: {problem}; correct it, or reinstall") from None


class _Table(dict[str, Any]):
    def __init__(self, name: str, rows: dict[str, Any]) -> None:
        super().__init__(rows)
        self._name = name

    def __missing__(self, key: str) -> Any:
        raise CatalogError(f"{self._name}: key '{key}' is missing; put it back, or reinstall")


def rows_of(rows: list[dict[str, Any]], table: str, *names: str) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield each row with a description of its place. The columns ``names`` identify a row. Raises ``CatalogError``."""
    seen = set()
    for number, row in enumerate(rows, 1):
        for name in names:
            if not isinstance(row.get(name), str):
                raise CatalogError(
                    f"{table} number {number}: key '{name}' is missing or not a text; give one"
                )
        where = f"{table} '{' '.join(row[name] for name in names)}'"
        if where in seen:
            raise CatalogError(f"{where}: another row has the same {' and '.join(names)}; keep one")
        seen.add(where)
        yield row, where


def record(cls: type[Record], row: dict[str, Any], where: str) -> Record:
    """Convert ``row`` to a ``cls``. Raises ``CatalogError`` for unknown or missing keys and values of a wrong type."""
    import msgspec

    columns = cls.__struct_fields__
    for key in row:
        if key not in columns:
            raise CatalogError(f"{where}: unknown key '{key}'; remove it, or use one of {', '.join(columns)}")
    for key in columns[: len(columns) - len(cls.__struct_defaults__)]:
        if key not in row:
            raise CatalogError(f"{where}: key '{key}' is missing; add it")
    try:
        return msgspec.convert(row, cls)
    except msgspec.ValidationError as problem:
        raise CatalogError(f"{where}: {problem}; give the key a value of that kind") from None
