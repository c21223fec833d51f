"""JSON values with the line number of each value in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

Place = tuple[str | int, ...]  # the path of a value: names and indexes

MAX_DEPTH = 100  # nested objects and arrays


class SourceError(ValueError):
    """A text that is not in its format, or has what JSON cannot represent. ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


class Located(Struct, frozen=True):
    """A JSON value, and the line of every value in it."""

    value: Any
    lines: Mapping[Place, int]

    def line_of(self, place: Place) -> int:
        """Return the line of a place; if it does not exist, that of the nearest enclosing value."""
        while place not in self.lines:
            place = place[:-1]
        return self.lines[place]


def decoded(data: bytes) -> str:
    """Return UTF-8 text, with or without a byte order mark. Raises ``SourceError``."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SourceError(line, f"byte {error.start} is not UTF-8. Save it as UTF-8.") from error
