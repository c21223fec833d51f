"""Documents that know on which line of their file each of their values stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Place = tuple[str | int, ...]  # the names and numbers that lead to a value

MAX_DEPTH = 100  # objects and arrays within each other


class SourceError(ValueError):
    """A text is not of its format, or holds what JSON cannot hold. ``line`` counts from 1."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class Located:
    """A JSON value, and the line of every value in it."""

    value: Any
    lines: Mapping[Place, int]

    def line_of(self, place: Place) -> int:
        """Return the line of a place; of one that is not there, that of what would hold it."""
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
