"""Generates texts that match a regular expression, from Python's syntax tree of it.

Look-around is ignored, so a text may not match; the caller checks it.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from importlib import import_module
from itertools import product
from typing import Any

_CHARACTERS = string.ascii_letters + string.digits + string.punctuation + " "
_CATEGORIES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}
_MAX_STEPS = 20_000  # nodes of the syntax tree that are visited for one text
_STRIDES = (1, 29)  # steps in ``_CHARACTERS``: "abc", or letters, digits and signs mixed


def matching(pattern: str, length: int = 0) -> Iterator[str]:
    """Yield texts that probably match ``pattern``: simple ones first, then texts of ``length`` characters.

    Nothing is yielded for a pattern that Python cannot parse (``\\p{L}``) or whose text would be too long.
    """
    try:
        tree = import_module("re._parser").parse(pattern)
    except (re.error, OverflowError, RecursionError):
        return
    repeats = [2, 0, 1, *range(3, min(length, 200) + 2)]
    found: set[str] = set()
    classes: dict[int, str] = {}
    for turn, (shift, stride, more) in enumerate(product(range(8), _STRIDES, repeats)):
        writer = _Writer(turn, shift, stride, more, classes)
        try:
            writer.write(tree)
        except (_Endless, RecursionError):
            return
        text = "".join(writer.text)
        # If the pattern is not anchored at its end, a suffix makes the text unique.
        yield text if text not in found else f"{text}{turn}".ljust(length, "0")
        found.add(text)


class _Endless(Exception):
    """The text would be too long, or the pattern uses a feature that only Python has."""


class _Writer:
    """A writer of one text. Each repetition is written ``more`` times than its minimum, up to its maximum.

    ``classes`` caches the characters of the character classes of the tree, by identity.
    """

    def __init__(self, turn: int, shift: int, stride: int, more: int, classes: dict[int, str]) -> None:
        self.text: list[str] = []
        self._turn, self._shift, self._stride, self._more = turn, shift, stride, more
        self._classes = classes
        self._groups: dict[int, list[str]] = {}
        self._steps_left = _MAX_STEPS

    def write(self, tree: Iterable[tuple[Any, Any]]) -> None:
        for operation, argument in tree:
            self._steps_left -= 1
            if self._steps_left < 0:
                raise _Endless
            match operation.name, argument:
                case "LITERAL", code:
                    self.text.append(chr(code))
                case "AT" | "ASSERT" | "ASSERT_NOT", _:
                    pass
                case "IN", members:
                    if id(members) not in self._classes:
                        self._classes[id(members)] = _members(members)
                    self._pick(self._classes[id(members)])
                case "ANY", _:
                    self._pick(_CHARACTERS)
                case "NOT_LITERAL", code:
                    self._pick(_CHARACTERS.replace(chr(code), ""))
                case "MAX_REPEAT" | "MIN_REPEAT", (least, most, repeated):
                    for _ in range(min(least + self._more, most)):
                        self.write(repeated)
                        self._steps_left -= 1
                case "SUBPATTERN", (group, _, _, inside):
                    start = len(self.text)
                    self.write(inside)
                    self._groups[group] = self.text[start:]
                case "BRANCH", (_, branches):
                    self.write(branches[self._turn % len(branches)])
                case "GROUPREF", group:
                    self.text += self._groups.get(group, [])
                case _:
                    raise _Endless

    def _pick(self, characters: str) -> None:
        self.text.append(characters[(len(self.text) * self._stride + self._shift) % len(characters)])


def _members(members: list[tuple[Any, Any]]) -> str:
    """Return the characters of a class; only the printable ASCII characters, if it contains any."""
    negated = members[0][0].name == "NEGATE"
    listed = members[negated:]
    found = [it for it in _CHARACTERS if negated != any(_belongs(it, *member) for member in listed)]
    if not found:
        first = listed[0][1]
        found = [chr(code) for code in (first if isinstance(first, tuple) else [first])]
    return "".join(found)


def _belongs(character: str, operation: Any, argument: Any) -> bool:
    match operation.name:
        case "LITERAL":
            return ord(character) == int(argument)
        case "RANGE":
            return int(argument[0]) <= ord(character) <= int(argument[1])
        case _:
            return re.match(_CATEGORIES[argument.name], character) is not None
