"""Generates strings and numbers for a schema, the simplest first; the caller checks that they are valid."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import chain, count
from typing import TYPE_CHECKING

from mockserver.engines.samples.patterns import matching

if TYPE_CHECKING:
    from mockserver.engines.samples.flat_schemas import Flat

_MAX_CHARACTERS = 10_000  # characters of a string
_BOUNDS = {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
_FORMATS = {
    "date-time": "2025-01-31T12:00:00Z",
    "date": "2025-01-31",
    "time": "12:00:00Z",
    "duration": "PT1H",
    "email": "user@example.com",
    "idn-email": "user@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "iri": "https://example.com/",
    "uri-reference": "/example",
    "iri-reference": "/example",
    "uri-template": "https://example.com/{id}",
    "uuid": "123e4567-e89b-42d3-a456-426614174000",
    "json-pointer": "/example",
    "relative-json-pointer": "0",
    "regex": "^.*$",
}


def strings(flat: Flat, name: str = "", hint: str = "") -> Iterator[str]:
    """Yield an example of the ``format``, ``hint``, ``name`` as words, matches of ``pattern``, then numbered words."""
    min_length = min(int(flat.get("minLength", 0)), _MAX_CHARACTERS)
    max_length = min(int(flat.get("maxLength", _MAX_CHARACTERS)), _MAX_CHARACTERS)
    if flat.get("format") in _FORMATS:
        yield _FORMATS[flat["format"]]
    if hint and min_length <= len(hint) <= max_length:
        yield hint
    words = re.sub(r"(?<=[a-z\d])(?=[A-Z])|[\W_]+", " ", name).strip().lower() or "text"
    words = " ".join([words] * (1 + min_length // len(words)))
    yield words[:max_length]
    if "pattern" in flat:
        yield from matching(flat["pattern"], min_length)
    yield from (words[: max(0, max_length - len(str(number)))] + str(number) for number in count(2))


def numbers(flat: Flat, whole: bool) -> Iterator[int | float]:
    """Yield numbers within the bounds and at their edges, as multiples of ``multipleOf``."""
    bounds = {key: Fraction(str(flat[key])) for key in _BOUNDS & flat.keys()}
    step = bounds.pop("multipleOf", Fraction(0))
    if whole:
        step = Fraction(step.numerator or 1)
    lows = [bounds[key] for key in ("minimum", "exclusiveMinimum") if key in bounds]
    highs = [bounds[key] for key in ("maximum", "exclusiveMaximum") if key in bounds]
    start = max(lows) if lows else min(highs, default=Fraction(0))
    pace = -(step or 1) if highs and not lows else step or Fraction(1)
    targets = [Fraction(1), start, start + pace]
    if lows and highs:
        targets += [(start + min(highs)) / 2, min(highs) - pace, min(highs)]
    for target in chain(targets, (start + pace * number for number in range(2, 300))):
        number = target // step * step if step else target
        for near in (number, number + step):
            yield int(near) if near.denominator == 1 else float(near)
