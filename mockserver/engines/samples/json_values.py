"""Generates a value for a JSON Schema: small, plausible and deterministic.

The schema is first flattened (references followed, ``allOf`` merged, one branch of ``anyOf``, ``oneOf`` and ``if``
chosen at a time). Candidates are generated from each flat schema; the first candidate that ``jsonschema_rs`` finds
valid against the original schema is the sample. No reference is fetched.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from itertools import chain, islice, product
from typing import Any
from urllib.parse import unquote

from msgspec import Struct

from mockserver.engines.samples.flat_schemas import (
    FLATTENED,
    ROOT,
    Flat,
    Schema,
    by_plainness,
    kinds,
    merged,
    normal,
)
from mockserver.engines.samples.patterns import matching
from mockserver.engines.samples.scalars import numbers, strings

_MAX_TRIES = 10_000  # tries; then ``NoSample`` is raised
_TRIES_BEFORE_TERSE = 500  # tries; then values are made as short as possible
_MAX_CANDIDATES = 300  # candidates of one type
_MAX_BACKTRACKING = 10_000  # steps of a pattern in a text
_MAX_PATTERN = 1 << 20  # bytes of a compiled pattern
_MAX_DEPTH = 3  # nested references; below, values are made as short as possible
_MAX_REASON = 500  # characters of a reason, which may quote the schema


class NoSample(Exception):
    """No value was found for a schema: it is malformed, allows none, or is too complex. The message says which."""


class MalformedSchema(NoSample):
    """The given value is not a JSON Schema."""


def sample(schema: Schema, hint: str = "") -> object:
    """Return a JSON value that is valid against ``schema`` (JSON Schema 2020-12, draft-07 or with ``nullable``).

    An object has its required properties, or all properties if none is required. ``hint`` is the value of the first
    unrestricted string, if its length allows; other strings have the name of their property as value.
    Formats are followed but not enforced. Raises ``NoSample``, or ``MalformedSchema`` if it is not a schema.
    """
    import jsonschema_rs

    try:
        root = normal(schema)
        # Following each reference once on the way down keeps recursive values small; some schemas need more.
        for visits in (1, 2, 3):
            for value in _Sampler(root, visits).values(root, _Place(hint=hint, refs=(f"{ROOT}#",))):
                return value
    except RecursionError as error:
        raise NoSample("the schema is nested too deeply") from error
    except (ValueError, OverflowError, jsonschema_rs.ReferencingError) as error:
        raise MalformedSchema(str(error).partition("\n")[0][:_MAX_REASON]) from error
    raise NoSample("no value of the schema was found")


class _Place(Struct, frozen=True):
    """The place of a value: the property's name, the hint, and the references followed to get there."""

    name: str = ""
    hint: str = ""
    refs: tuple[str, ...] = ()


class _Sampler:
    """A generator of values for one schema and its subschemas."""

    def __init__(self, root: Schema, visits: int) -> None:
        import jsonschema_rs

        self._root = root
        self._registry = jsonschema_rs.Registry([(ROOT, root)], retriever=_refuse)
        self._resolver = self._registry.resolver(ROOT)
        self._validator = jsonschema_rs.Draft202012Validator
        # A pattern that backtracks more often does not match.
        self._patterns = jsonschema_rs.FancyRegexOptions(_MAX_BACKTRACKING, _MAX_PATTERN, _MAX_PATTERN)
        self._visits = visits
        self._tries_left = _MAX_TRIES

    def values(self, schema: Schema, place: _Place) -> Iterator[Any]:
        """Yield valid values of ``schema``, the plainest first."""
        validator = self._validator(schema, registry=self._registry, pattern_options=self._patterns)
        for flat, refs in self._flats(schema, place.refs):
            for value in self._candidates(flat, _Place(place.name, place.hint, refs)):
                self._try()
                if validator.is_valid(value):
                    yield value

    def _try(self) -> None:
        self._tries_left -= 1
        if self._tries_left < 0:
            raise NoSample("the schema is too complex")

    def _terse(self, refs: tuple[str, ...]) -> bool:
        """Return whether values should be as short as possible: at great depth, or after many tries."""
        return len(refs) > _MAX_DEPTH or self._tries_left < _MAX_TRIES - _TRIES_BEFORE_TERSE

    def _flats(self, schema: Schema, refs: tuple[str, ...]) -> Iterator[tuple[Flat, tuple[str, ...]]]:
        """Yield the flat schemas that ``schema`` may stand for, each with the references followed so far."""
        self._try()
        if isinstance(schema, bool):
            yield from [({}, refs)] if schema else []
            return
        target = schema.get("$ref")
        if target is not None and refs.count(target) >= self._visits:
            return
        every: list[list[Schema]] = [[part] for part in schema.get("allOf", [])]
        if target is not None:
            refs = (*refs, target)
            every.append([self._target(target)])
        every += [by_plainness(schema[key], self._terse(refs)) for key in ("anyOf", "oneOf") if key in schema]
        dependent = schema.get("dependentSchemas", {})
        every += [[part] for name, part in dependent.items() if name in schema.get("required", [])]
        if "if" in schema and schema.keys() & {"then", "else"}:
            every.append(
                [{"allOf": [schema["if"], schema.get("then", True)]}, schema.get("else", True), True]
            )
        own = {key: value for key, value in schema.items() if key not in FLATTENED}
        yield from self._merges(own, refs, refs, every)

    def _merges(
        self, flat: Flat, start: tuple[str, ...], refs: tuple[str, ...], every: list[list[Schema]]
    ) -> Iterator[tuple[Flat, tuple[str, ...]]]:
        """Yield ``flat`` with one alternative of each of ``every``, in all combinations."""
        if not every:
            yield flat, refs
            return
        for alternative in every[0]:
            for other, followed in self._flats(alternative, start):
                both = merged(flat, other)
                yield from self._merges(both, start, refs + followed[len(start) :], every[1:])

    def _target(self, reference: str) -> Schema:
        """Return the schema that ``reference``, which is known to exist, refers to."""
        pointer = unquote(reference.removeprefix(f"{ROOT}#"))
        if pointer and not pointer.startswith("/"):
            return self._resolver.lookup(reference).contents  # an anchor
        target = self._root  # The pointer is resolved here, because the resolver would sort the properties.
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            target = target[int(key) if isinstance(target, list) else key]
        return target

    def _candidates(self, flat: Flat, place: _Place) -> Iterator[Any]:
        if "const" in flat:
            yield flat["const"]
            return
        if "enum" in flat:
            yield from sorted(flat["enum"], key=lambda value: value is None)
            return
        yield from [flat["default"]] if "default" in flat else []
        yield from flat.get("examples", [])
        for kind in kinds(flat, self._terse(place.refs)):
            yield from islice(self._of_kind(kind, flat, place), _MAX_CANDIDATES)

    def _of_kind(self, kind: str, flat: Flat, place: _Place) -> Iterable[Any]:
        match kind:
            case "object":
                return self._objects(flat, place)
            case "array":
                return self._arrays(flat, place)
            case "string":
                return strings(flat, place.name, place.hint)
            case "boolean":
                return (True, False)
            case "null":
                return (None,)
            case _:
                return numbers(flat, whole=kind == "integer")

    def _objects(self, flat: Flat, place: _Place) -> Iterator[dict[str, Any]]:
        properties = flat.get("properties", {})
        required = dict.fromkeys(flat.get("required", []))
        needed = [name for name in properties if name in required]
        needed += [name for name in required if name not in properties]
        plain = needed if flat.get("required") or self._terse(place.refs) else list(properties)
        for names in (plain, needed, list(properties)):
            yield from self._filled(flat, self._enough(flat, names), set(required), place)

    def _enough(self, flat: Flat, names: list[str]) -> list[str]:
        """Return ``names``, the names that they require, and others up to ``minProperties``."""
        names = list(names)
        for name in names:  # The list grows during the loop.
            names += [
                other for other in flat.get("dependentRequired", {}).get(name, []) if other not in names
            ]
        others = self._other_names(flat)
        while len(names) < flat.get("minProperties", 0) and (other := next(others, None)) is not None:
            if other not in names and self._member(flat, other) is not False:
                names.append(other)
        return names[: int(flat.get("maxProperties", sys.maxsize))]

    def _other_names(self, flat: Flat) -> Iterator[str]:
        yield from flat.get("properties", {})
        for pattern in flat.get("patternProperties", {}):
            yield from islice(matching(pattern), 10)
        named = {"allOf": [{"type": "string"}, flat.get("propertyNames", True)]}
        yield from self.values(named, _Place("property"))

    def _filled(
        self, flat: Flat, names: list[str], required: set[str], place: _Place
    ) -> Iterator[dict[str, Any]]:
        """Yield an object of ``names``, then the same with one value changed at a time."""
        filled: dict[str, Any] = {}
        hint = place.hint
        for name in names:
            values = self.values(self._member(flat, name), _Place(name, hint, place.refs))
            for value in islice(values, 1):
                filled[name] = value
                hint = "" if _contains(value, hint) else hint
            if name in required and name not in filled:
                return
        yield filled
        for name in filled:
            values = self.values(self._member(flat, name), _Place(name, "", place.refs))
            yield from ({**filled, name: value} for value in islice(values, 4))

    def _member(self, flat: Flat, name: str) -> Schema:
        """Return the schema of the property ``name``."""
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
        min_size, max_size = flat.get("minItems", 0), flat.get("maxItems", sys.maxsize)
        wanted = int(flat.get("minContains", 1)) if "contains" in flat else 0
        plain = max(min_size, len(prefix), wanted, 0 if items is False or self._terse(place.refs) else 1)
        sizes = [plain, len(prefix) + wanted, min_size, 0]
        for size, contained in product(
            dict.fromkeys(int(min(size, max_size)) for size in sizes), (wanted, 0)
        ):
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
        """Return a value of each schema, up to the first schema without a value."""
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
            hint = "" if _contains(value, hint) else hint
        return listed


def _refuse(address: str) -> Any:
    raise LookupError(f"{address} is not part of the schema")


def _contains(value: Any, hint: str) -> bool:
    if isinstance(value, (dict, list)):
        return any(_contains(part, hint) for part in (value.values() if isinstance(value, dict) else value))
    return bool(hint) and value == hint
