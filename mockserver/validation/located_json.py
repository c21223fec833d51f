"""Reads JSON with the line and column of every value. Duplicate names in an object are errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from mockserver import strict_json
from mockserver.validation.located import MAX_DEPTH, Located, Mark, Place, SourceError, decoded

_WORD = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]|[^\s\[\]{}:,"]+|\n')


def read(data: bytes) -> Located:
    """Return the value of a JSON document. Raises ``SourceError``."""
    text = decoded(data)
    try:
        value = strict_json.parse(data)
    except json.JSONDecodeError as error:
        message = f"is not JSON: {error.msg} (column {error.colno})."
        raise SourceError(Mark(error.lineno, error.colno), message) from error
    except ValueError as error:
        raise _beyond_the_standard(text) from error
    return Located(value, _Walk(text).marks)


def _words(text: str) -> Iterator[tuple[Mark, str]]:
    """Yield names, values, brackets and braces, with the mark of each."""
    line, before = 1, -1  # the place of the line break before the line
    for match in _WORD.finditer(text):
        if match[0] == "\n":
            line, before = line + 1, match.start()
        else:
            yield Mark(line, match.start() - before), match[0]


def _beyond_the_standard(text: str) -> SourceError:
    """Return the error for what Python accepts and the JSON standard does not."""
    for mark, word in _words(text):
        if word not in "[]{}":
            try:
                strict_json.parse(word.encode())
            except UnicodeError:
                return SourceError(mark, "a text has an unpaired surrogate. Write both halves of the pair.")
            except ValueError as error:
                digits = word.removeprefix("-")
                reason = f"a number of {len(digits)} digits is too large" if digits.isdecimal() else error
                return SourceError(mark, f"{reason}.")
    return SourceError(Mark(1), f"is nested more than {MAX_DEPTH} deep.")


class _Walk:
    """Finds the mark of every value in a valid JSON text."""

    def __init__(self, text: str) -> None:
        self.marks: dict[Place, Mark] = {}
        self._words = _words(text)
        self._value((), *next(self._words))

    def _value(self, place: Place, mark: Mark, word: str) -> None:
        self.marks.setdefault(place, mark)
        if word not in ("{", "["):
            return
        if len(place) >= MAX_DEPTH:
            raise SourceError(mark, f"is nested more than {MAX_DEPTH} deep.")
        if word == "{":
            self._members(place)
        else:
            self._items(place)

    def _members(self, place: Place) -> None:
        for mark, word in self._words:
            if word == "}":
                return
            name = json.loads(word)
            member = (*place, name)
            if member in self.marks:
                raise SourceError(mark, f"{name!r} is given twice, first on line {self.marks[member].line}.")
            self.marks[member] = mark
            self._value(member, *next(self._words))

    def _items(self, place: Place) -> None:
        for number, (mark, word) in enumerate(self._words):
            if word == "]":
                return
            self._value((*place, number), mark, word)
