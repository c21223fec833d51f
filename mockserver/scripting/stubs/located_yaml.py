"""Reads YAML as JSON values, with the line of every value.

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

from mockserver.scripting.stubs.located import MAX_DEPTH, Located, Place, SourceError, decoded

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


def read(data: bytes) -> list[Located]:
    """Return the documents of a YAML file, except empty ones. Raises ``SourceError``."""
    text = decoded(data)
    try:
        return [found for found in _Reader(yaml.parse(text, _LOADER)).documents() if found.value is not None]
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        column = f" (column {mark.column + 1})" if mark else ""
        line = mark.line + 1 if mark else 1
        raise SourceError(line, f"is not YAML: {error.problem or error.context}{column}.") from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise SourceError(line, f"is not YAML: {error.reason}.") from error


class _Anchored(NamedTuple):
    """An anchored value, the number of values in it, and how deep they are nested."""

    value: Any
    size: int
    height: int


class _Reader:
    """Builds values from the events of the parser."""

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = events
        self._lines: dict[Place, int] = {}
        self._anchors: dict[str, _Anchored] = {}
        self._size = 0
        self._deepest = 0

    def documents(self) -> Iterator[Located]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._lines, self._anchors = {}, {}
                value = self._value((), next(self._events))
                yield Located(value, self._lines)

    def _value(self, place: Place, event: Any) -> Any:
        self._lines.setdefault(place, _line(event))
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(place, event)
        self._grow(1, len(place), event)
        if event.tag not in (None, "!", _TAGS[type(event)]):
            raise SourceError(_line(event), f"the tag {event.tag!r} has no equivalent in JSON. Remove it.")
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
            if member in self._lines:
                first = self._lines[member]
                raise SourceError(_line(event), f"{name!r} is given twice, first on line {first}.")
            self._lines[member] = _line(event)
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
            raise SourceError(_line(event), f"*{event.anchor}: no anchor &{event.anchor} precedes it.")
        self._grow(anchored.size, len(place) + anchored.height, event)
        return anchored.value

    def _grow(self, size: int, depth: int, event: Any) -> None:
        self._size += size
        self._deepest = max(self._deepest, depth)
        if self._size > _MAX_VALUES:
            raise SourceError(_line(event), f"has more than {_MAX_VALUES} values, aliases included.")
        if depth > MAX_DEPTH:
            raise SourceError(_line(event), f"is nested more than {MAX_DEPTH} deep.")


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _name(event: Any) -> str:
    """Return the name of a member. Raises ``SourceError`` if it is not a text."""
    if not isinstance(event, yaml.ScalarEvent):
        raise SourceError(_line(event), "a name must be a text.")
    name = _scalar(event)
    if not isinstance(name, str):
        raise SourceError(_line(event), f"the name {event.value} is not a text. Write it in quotes.")
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
    if math.isinf(value):
        raise SourceError(_line(event), f"{text} is too large.")
    return value


def _integer(digits: str, event: Any) -> int:
    try:
        return int(digits)
    except ValueError as error:
        raise SourceError(_line(event), f"a number of {len(digits)} digits is too large.") from error


def _merged(value: Any, event: Any) -> dict[str, Any]:
    """Return the members that a merge key (``<<``) adds. Of several objects, earlier ones take precedence."""
    objects = value if isinstance(value, list) else [value]
    if not all(isinstance(each, dict) for each in objects):
        raise SourceError(_line(event), "<<: is neither an object nor a list of objects.")
    return {name: member for each in reversed(objects) for name, member in each.items()}
