"""JSON values with the line and column of each value in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from msgspec import Struct

Place = tuple[str | int, ...]  # the path of a value: names and indexes

MAX_DEPTH = 100  # nested objects and arrays


class Mark(NamedTuple):
    """A line and a column of a text. Both count from 1."""

    line: int
    column: int = 1


class SourceError(ValueError):
    """A text that is not in its format, or has what JSON cannot represent, at ``mark``."""

    def __init__(self, mark: Mark, message: str) -> None:
        super().__init__(message)
        self.mark = mark


class Located(Struct, frozen=True):
    """A JSON value, and where every value in it begins; of a member, where its name does."""

    value: Any
    marks: Mapping[Place, Mark]

    def mark_of(self, place: Place) -> Mark:
        """Return the mark of a place; if it does not exist, that of the nearest enclosing value."""
        while place not in self.marks:
            place = place[:-1]
        return self.marks[place]

    def mark_named(self, message: str, place: Place = ()) -> Mark:
        """Return the mark of the member that ``message`` begins with, as in ``reply: text: …``, below ``place``.

        Returns the mark of ``place`` if the message names no member. Conditions are named without ``when``.
        """
        found = place
        for beginning in ((), ("when",)):
            named = (*place, *beginning)
            for step in message.split(": "):
                inner = next((each for each in self.marks if _is_below(each, named, step)), None)
                if inner is None:
                    break
                named = found = inner
        return self.mark_of(found)


def dotted(place: Place) -> str:
    """Return a place as text: ``replies[1].text``."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place).removeprefix(".")


def decoded(data: bytes) -> str:
    """Return UTF-8 text, with or without a byte order mark. Raises ``SourceError``."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        message = f"byte {error.start} is not UTF-8. Save it as UTF-8."
        raise SourceError(Mark(line, error.start - data.rfind(b"\n", 0, error.start)), message) from error


def _is_below(place: Place, above: Place, step: str) -> bool:
    return len(place) > len(above) and place[: len(above)] == above and dotted(place[len(above) :]) == step
