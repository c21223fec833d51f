"""Reads JSON with the line of every value. Duplicate names in an object are errors."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from mockserver import strict_json
from mockserver.scripting.stubs.located import MAX_DEPTH, Located, Place, SourceError, decoded

_WORD = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]|[^\s\[\]{}:,"]+|\n')


def read(data: bytes) -> Located:
    """Return the value of a JSON document. Raises ``SourceError``."""
    text = decoded(data)
    try:
        value = strict_json.parse(data)
    except json.JSONDecodeError as error:
        raise SourceError(error.lineno, f"is not JSON: {error.msg} (column {error.colno}).") from error
    except ValueError as error:
        raise _beyond_the_standard(text) from error
    return Located(value, _Walk(text).lines)


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Yield names, values, brackets and braces, with the line of each."""
    line = 1
    for match in _WORD.finditer(text):
        if match[0] == "\n":
            line += 1
        else:
            yield line, match[0]


def _beyond_the_standard(text: str) -> SourceError:
    """Return the error for what Python accepts and the JSON standard does not."""
    for line, word in _words(text):
        if word not in "[]{}":
            try:
                strict_json.parse(word.encode())
            except UnicodeError:
                return SourceError(line, "a text has an unpaired surrogate. Write both halves of the pair.")
            except ValueError as error:
                digits = word.removeprefix("-")
                reason = f"a number of {len(digits)} digits is too large" if digits.isdecimal() else error
                return SourceError(line, f"{reason}.")
    return SourceError(1, f"is nested more than {MAX_DEPTH} deep.")


class _Walk:
    """Finds the line of every value in a valid JSON text."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Place, int] = {}
        self._words = _words(text)
        self._value((), *next(self._words))

    def _value(self, place: Place, line: int, word: str) -> None:
        self.lines.setdefault(place, line)
        if word not in ("{", "["):
            return
        if len(place) >= MAX_DEPTH:
            raise SourceError(line, f"is nested more than {MAX_DEPTH} deep.")
        if word == "{":
            self._members(place)
        else:
            self._items(place)

    def _members(self, place: Place) -> None:
        for line, word in self._words:
            if word == "}":
                return
            name = json.loads(word)
            member = (*place, name)
            if member in self.lines:
                raise SourceError(line, f"{name!r} is given twice, first on line {self.lines[member]}.")
            self.lines[member] = line
            self._value(member, *next(self._words))

    def _items(self, place: Place) -> None:
        for number, (line, word) in enumerate(self._words):
            if word == "]":
                return
            self._value((*place, number), line, word)
