"""Reads YAML as JSON values, with the line and column of every value.

Unquoted scalars are JSON's numbers, ``true``, ``false`` and ``null``, otherwise texts: ``no``, ``12:30`` and
``2026-01-01`` are texts. Anchors, aliases and merge keys (``<<``) work, within bounds.

The parser's events are read, not ``yaml.compose``'s nodes: a node does not say on which line an alias to it stands.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from mockserver.validation.located import MAX_DEPTH, Located, Mark, Place, SourceError, decoded

_MAX_VALUES = 1_000_000  # of a file; each use of an alias counts all values in it
_LOADER = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_TAGS = {
    yaml.ScalarEvent: "tag:yaml.org,2002:str",
    yaml.SequenceStartEvent: "tag:yaml.org,2002:seq",
    yaml.MappingStartEvent: "tag:yaml.org,2002:map",
}
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")


def read(data: bytes, max_values: int = _MAX_VALUES) -> list[Located]:
    """Return the documents of a YAML text, except empty ones. Raises ``SourceError``, also above ``max_values``."""
    text = decoded(data)
    try:
        found = list(_Reader(yaml.parse(text, _LOADER), max_values).documents())
        return [each for each in found if each.value is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        column = f" (column {mark.column + 1})" if mark else ""
        message = f"is not YAML: {error.problem or error.context}{column}."
        raise SourceError(Mark(mark.line + 1, mark.column + 1) if mark else Mark(1), message) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SourceError(Mark(line), f"is not YAML: {error.reason}.") from error


def is_plain_text(text: str) -> bool:
    """Return whether a text that is written without quotes is read as a text, if it can be written without."""
    return text not in _WORDS and _NUMBER.fullmatch(text) is None


class _Anchored(NamedTuple):
    """An anchored value, the number of values in it, and how deep they are nested."""

    value: Any
    size: int
    height: int


class _Reader:
    """Builds values from the events of the parser."""

    def __init__(self, events: Iterator[Any], max_values: int) -> None:
        self._events = events
        self._max_values = max_values
        self._marks: dict[Place, Mark] = {}
        self._anchors: dict[str, _Anchored] = {}
        self._size = 0
        self._deepest = 0

    def documents(self) -> Iterator[Located]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._marks, self._anchors = {}, {}
                value = self._value((), next(self._events))
                yield Located(value, self._marks)

    def _value(self, place: Place, event: Any) -> Any:
        self._marks.setdefault(place, _mark(event))
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(place, event)
        self._grow(1, len(place), event)
        if event.tag not in (None, "!", _TAGS[type(event)]):
            raise SourceError(_mark(event), f"the tag {event.tag!r} has no equivalent in JSON. Remove it.")
        return self._built(place, event) if event.anchor is None else self._anchored(place, event)

    def _built(self, place: Place, event: Any) -> Any:
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return list(self._items(place))
        return self._members(place)

    def _items(self, place: Place) -> Iterator[Any]:
        number = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value((*place, number), event)
            number += 1

    def _members(self, place: Place) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = _name(event)
            member = (*place, name)
            if member in self._marks:
                first = self._marks[member].line
                raise SourceError(_mark(event), f"{name!r} is given twice, first on line {first}.")
            self._marks[member] = _mark(event)
            value = self._value(member, next(self._events))
            if name == "<<" and event.implicit[0]:
                merged = _merged(value, event)
            else:
                own[name] = value
        return merged | own

    def _anchored(self, place: Place, event: Any) -> Any:
        size, deepest = self._size, self._deepest
        self._deepest = len(place)
        value = self._built(place, event)
        self._anchors[event.anchor] = _Anchored(value, self._size - size + 1, self._deepest - len(place))
        self._deepest = max(deepest, self._deepest)
        return value

    def _aliased(self, place: Place, event: Any) -> Any:
        anchored = self._anchors.get(event.anchor)
        if anchored is None:
            raise SourceError(_mark(event), f"*{event.anchor}: no anchor &{event.anchor} precedes it.")
        self._grow(anchored.size, len(place) + anchored.height, event)
        return anchored.value

    def _grow(self, size: int, depth: int, event: Any) -> None:
        self._size += size
        self._deepest = max(self._deepest, depth)
        if self._size > self._max_values:
            raise SourceError(_mark(event), f"has more than {self._max_values} values, aliases included.")
        if depth > MAX_DEPTH:
            raise SourceError(_mark(event), f"is nested more than {MAX_DEPTH} deep.")


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


def _name(event: Any) -> str:
    """Return the name of a member. Raises ``SourceError`` if it is not a text."""
    if not isinstance(event, yaml.ScalarEvent):
        raise SourceError(_mark(event), "a name must be a text.")
    name = _scalar(event)
    if not isinstance(name, str):
        raise SourceError(_mark(event), f"the name {event.value} is not a text. Write it in quotes.")
    return name


def _scalar(event: Any) -> Any:
    """Return the value of a scalar; one in quotes or with a tag is a text."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is None:
        return text
    value = float(text) if any(number.groups()) else _integer(text, event)
    if isinstance(value, float) and math.isinf(value):
        raise SourceError(_mark(event), f"{text} is too large.")
    return value


def _integer(digits: str, event: Any) -> int:
    try:
        return int(digits)
    except ValueError as error:
        raise SourceError(_mark(event), f"a number of {len(digits)} digits is too large.") from error


def _merged(value: Any, event: Any) -> dict[str, Any]:
    """Return the members that a merge key (``<<``) adds. Of several objects, earlier ones take precedence."""
    objects = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in objects):
        raise SourceError(_mark(event), "<<: is neither an object nor a list of objects.")
    return {name: member for each in reversed(objects) for name, member in each.items()}
