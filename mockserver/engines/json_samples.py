"""A value for a JSON Schema: small, plausible, and the same every time.

A schema is first laid out flat (references followed, ``allOf`` merged, one branch of ``anyOf``, ``oneOf`` and
``if`` chosen at a time). Candidates are made up from each flat schema, and the first one that
``jsonschema_rs`` finds valid against the schema as it was written is the sample. Nothing is ever fetched.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, count, islice, product
from typing import Any

Schema = Any  # a JSON Schema: an object or a boolean
Flat = dict[str, Any]  # a schema without $ref, allOf, anyOf, oneOf, if

_ROOT = "urn:sample"
_TRIES = 20_000  # candidates weighed before a schema is given up
_TRIES_OF_A_KIND = 500
_LONGEST = 10_000  # characters of a string
_DEEP = 6  # references within references, beyond which the least is said

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
_TOLD_BY = {
    "object": {"properties", "required", "additionalProperties", "patternProperties", "minProperties"},
    "array": {"items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "string": {"minLength", "maxLength", "pattern", "format"},
}
_KINDS = ("string", "object", "array", "number", "boolean", "null")
_LAID_FLAT = {"$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas", "not", "$defs"}
_NAMED = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}
_DATA = {"const", "enum", "default", "examples"}


class NoSample(Exception):
    """No value was found for a schema: it is malformed, admits none, or asks for too much. Says why."""


def sample(schema: Schema, hint: str = "") -> Any:
    """A JSON value valid against ``schema`` (JSON Schema 2020-12; draft-07 and ``nullable`` are tolerated).

    An object has its required properties, or all if it does not say which are required. ``hint`` is what the
    first free string says, if it fits its length; other strings say the name of their property.
    Formats are followed but not enforced. Raises ``NoSample``.
    """
    root = _normal(schema)
    try:
        # One visit to each reference on the way down keeps a recursive value small; some need more.
        for visits in (1, 2, 3):
            for value in _Sampler(root, visits).values(root, _Place(hint=hint, refs=(f"{_ROOT}#",))):
                return value
    except RecursionError as error:
        raise NoSample("the schema is nested too deeply") from error
    except (ValueError, OverflowError) as error:
        raise NoSample(str(error).partition("\n")[0]) from error
    raise NoSample("no value of the schema was found")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a value goes: the property's name, what to say there, the references followed to get there."""

    name: str = ""
    hint: str = ""
    refs: tuple[str, ...] = ()

    @property
    def deep(self) -> bool:
        return len(self.refs) > _DEEP


class _Sampler:
    """Makes up the values of one schema and of the schemas inside it."""

    def __init__(self, root: Schema, visits: int) -> None:
        import jsonschema_rs

        self._registry = jsonschema_rs.Registry([(_ROOT, root)], retriever=_refuse)
        self._resolver = self._registry.resolver(_ROOT)
        self._validator = jsonschema_rs.Draft202012Validator
        self._visits = visits
        self._tries_left = _TRIES

    def values(self, schema: Schema, place: _Place) -> Iterator[Any]:
        """Valid values of ``schema``, the plainest first."""
        validator = self._validator(schema, registry=self._registry)
        for flat, refs in self._flats(schema, place.refs):
            candidates = self._candidates(flat, _Place(place.name, place.hint, refs))
            for value in islice(candidates, _TRIES_OF_A_KIND):
                self._tries_left -= 1
                if self._tries_left < 0:
                    raise NoSample("the schema is too large")
                if validator.is_valid(value):
                    yield value

    def _flats(self, schema: Schema, refs: tuple[str, ...]) -> Iterator[tuple[Flat, tuple[str, ...]]]:
        """The flat schemas that ``schema`` may stand for, each with the references followed so far."""
        if isinstance(schema, bool):
            yield from [({}, refs)] if schema else []
            return
        target = schema.get("$ref")
        if target is not None and refs.count(target) >= self._visits:
            return
        every: list[list[Schema]] = [[part] for part in schema.get("allOf", [])]
        if target is not None:
            refs = (*refs, target)
            every.append([self._resolver.lookup(target).contents])
        deep = len(refs) > _DEEP
        every += [_by_plainness(schema[key], deep) for key in ("anyOf", "oneOf") if key in schema]
        dependent = schema.get("dependentSchemas", {})
        every += [[part] for name, part in dependent.items() if name in schema.get("required", [])]
        if "if" in schema:
            every.append(
                [{"allOf": [schema["if"], schema.get("then", True)]}, schema.get("else", True), True]
            )
        own = {key: value for key, value in schema.items() if key not in _LAID_FLAT}
        yield from self._merges(own, refs, refs, every)

    def _merges(
        self, flat: Flat, start: tuple[str, ...], refs: tuple[str, ...], every: list[list[Schema]]
    ) -> Iterator[tuple[Flat, tuple[str, ...]]]:
        """``flat`` with one alternative of each of ``every``, in all combinations."""
        if not every:
            yield flat, refs
            return
        for alternative in every[0]:
            for other, followed in self._flats(alternative, start):
                merged = _merged(flat, other)
                yield from self._merges(merged, start, refs + followed[len(start) :], every[1:])

    def _candidates(self, flat: Flat, place: _Place) -> Iterator[Any]:
        if "const" in flat:
            yield flat["const"]
            return
        if "enum" in flat:
            yield from sorted(flat["enum"], key=lambda value: value is None)
            return
        yield from [flat["default"]] if "default" in flat else []
        yield from flat.get("examples", [])
        for kind in _kinds(flat, place.deep):
            match kind:
                case "object":
                    yield from self._objects(flat, place)
                case "array":
                    yield from self._arrays(flat, place)
                case "string":
                    yield from islice(_strings(flat, place), _TRIES_OF_A_KIND // len(_KINDS))
                case "number" | "integer":
                    yield from _numbers(flat, whole=kind == "integer")
                case "boolean":
                    yield from (True, False)
                case "null":
                    yield None

    def _objects(self, flat: Flat, place: _Place) -> Iterator[dict[str, Any]]:
        properties = flat.get("properties", {})
        required = flat.get("required", [])
        needed = [name for name in properties if name in required]
        needed += [name for name in required if name not in properties]
        plain = needed if "required" in flat or place.deep else list(properties)
        for names in (plain, needed, list(properties)):
            yield from self._filled(flat, self._enough(flat, names), set(required), place)

    def _enough(self, flat: Flat, names: list[str]) -> list[str]:
        """``names``, those that depend on them, and others up to ``minProperties``."""
        names = list(names)
        for name in names:  # grows as it is read
            names += [
                other for other in flat.get("dependentRequired", {}).get(name, []) if other not in names
            ]
        patterns = flat.get("patternProperties", {})
        others = chain(
            flat.get("properties", {}),
            *(islice(_matching(pattern, 0), 10) for pattern in patterns),
            self.values(flat.get("propertyNames", {"type": "string"}), _Place("property")),
        )
        for other in others:
            if len(names) >= flat.get("minProperties", 0):
                break
            if other not in names and self._member(flat, other) is not False:
                names.append(other)
        return names[: flat.get("maxProperties")]

    def _filled(
        self, flat: Flat, names: list[str], required: set[str], place: _Place
    ) -> Iterator[dict[str, Any]]:
        """An object of ``names``, then the same with one value changed at a time."""
        filled: dict[str, Any] = {}
        hint = place.hint
        for name in names:
            values = self.values(self._member(flat, name), _Place(name, hint, place.refs))
            for value in islice(values, 1):
                filled[name] = value
                hint = "" if _says(value, hint) else hint
            if name in required and name not in filled:
                return
        yield filled
        for name in filled:
            values = self.values(self._member(flat, name), _Place(name, "", place.refs))
            yield from ({**filled, name: value} for value in islice(values, 4))

    def _member(self, flat: Flat, name: str) -> Schema:
        """The schema of the property ``name``."""
        schemas = [flat["properties"][name]] if name in flat.get("properties", {}) else []
        for pattern, schema in flat.get("patternProperties", {}).items():
            if self._validator({"pattern": pattern}).is_valid(name):
                schemas.append(schema)
        if not schemas:
            return flat.get("additionalProperties", flat.get("unevaluatedProperties", True))
        return schemas[0] if len(schemas) == 1 else {"allOf": schemas}

    def _arrays(self, flat: Flat, place: _Place) -> Iterator[list[Any]]:
        prefix = flat.get("prefixItems", [])
        items = flat.get("items", flat.get("unevaluatedItems", True))
        least, most = flat.get("minItems", 0), flat.get("maxItems", sys.maxsize)
        wanted = flat.get("minContains", 1) if "contains" in flat else 0
        plain = max(least, len(prefix), wanted, 0 if items is False or place.deep else 1)
        sizes = [plain, len(prefix) + wanted, least, 0]
        for size, contained in product(dict.fromkeys(min(int(size), most) for size in sizes), (wanted, 0)):
            schemas = chain(prefix[:size], (items for _ in range(size - len(prefix))))
            yield self._listed(
                (
                    {"allOf": [schema, flat["contains"]]} if at >= size - contained else schema
                    for at, schema in enumerate(schemas)
                ),
                flat.get("uniqueItems", False),
                place,
            )

    def _listed(self, schemas: Iterable[Schema], unique: bool, place: _Place) -> list[Any]:
        """A value of each schema, up to the first that has none."""
        listed: list[Any] = []
        hint = place.hint
        seen: set[str] = set()
        for schema in schemas:
            for value in self.values(schema, _Place(place.name, hint, place.refs)):
                text = json.dumps(value, sort_keys=True)
                if not (unique and text in seen):
                    break
            else:
                break
            listed.append(value)
            seen.add(text)
            hint = "" if _says(value, hint) else hint
        return listed


def _refuse(address: str) -> Any:
    raise LookupError(f"{address} is not part of the schema")


def _says(value: Any, hint: str) -> bool:
    if isinstance(value, (dict, list)):
        return any(_says(part, hint) for part in (value.values() if isinstance(value, dict) else value))
    return bool(hint) and value == hint
