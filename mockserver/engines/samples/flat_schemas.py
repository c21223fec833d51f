"""Simplifies JSON schemas: normalises keywords and merges two schemas into one."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Schema = Any  # a JSON Schema: an object or a boolean
Flat = dict[str, Any]  # a schema without $ref, allOf, anyOf, oneOf, if

ROOT = "urn:sample"
FLATTENED = {"$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "dependentSchemas", "not", "$defs"}
_KEYWORDS_OF_TYPE = {
    "object": {"properties", "required", "additionalProperties", "patternProperties", "minProperties"},
    "array": {"items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "string": {"minLength", "maxLength", "pattern", "format"},
}
_KINDS = ("string", "object", "array", "number", "boolean", "null")
_NAMED = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}
_DATA = {"const", "enum", "default", "examples"}


def normal(schema: Any) -> Any:
    """Return the schema with the keywords of 2020-12, references relative to ``ROOT``, and without ``$id``."""
    if isinstance(schema, list):
        return [normal(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result: Flat = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            result[key] = {name: normal(part) for name, part in value.items()}
        elif key == "$ref" and isinstance(value, str) and value.startswith("#"):
            result[key] = ROOT + value
        elif key not in ("$schema", "$id"):
            result[key] = value if key in _DATA else normal(value)
    if isinstance(result.get("items"), list):
        result["prefixItems"] = result.pop("items")
        result["items"] = result.pop("additionalItems", True)
    if result.get("nullable") is True and isinstance(result.get("type"), str):
        result["type"] = [result["type"], "null"]
    return result


def _both(one: Schema, other: Schema) -> Schema:
    return {"allOf": [one, other]}


def _members(one: Flat, other: Flat) -> Flat:
    return {**one, **{name: _both(one[name], part) if name in one else part for name, part in other.items()}}


def _common_types(one: Any, other: Any) -> list[str]:
    kinds, others = ([kinds] if isinstance(kinds, str) else kinds for kinds in (one, other))
    common = [kind for kind in kinds if kind in others]
    return [*common, "integer"] if {"integer", "number"} <= {*kinds, *others} else common


_MERGES: dict[str, Callable[[Any, Any], Any]] = {
    "type": _common_types,
    "enum": lambda one, other: [value for value in one if value in other],
    "required": lambda one, other: [*one, *other],
    "dependentRequired": lambda one, other: {
        name: one.get(name, []) + other.get(name, []) for name in {**one, **other}
    },
    **dict.fromkeys(("properties", "patternProperties"), _members),
    **dict.fromkeys(("items", "additionalProperties", "propertyNames", "contains"), _both),
    **dict.fromkeys(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"), max),
    **dict.fromkeys(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"), min),
}


def merged(one: Flat, other: Flat) -> Flat:
    """Return a flat schema that allows what both allow, as far as one flat schema can express it."""
    both = {**other, **one}
    for key in one.keys() & other.keys() & _MERGES.keys():
        both[key] = _MERGES[key](one[key], other[key])
    return both


def by_plainness(branches: list[Schema], terse: bool) -> list[Schema]:
    """Return the branches in the order to try: null last; if ``terse``, null first and references last."""
    return sorted(
        branches, key=lambda it: (terse and "$ref" in json.dumps(it), (it == {"type": "null"}) != terse)
    )


def kinds(flat: Flat, terse: bool) -> list[str]:
    """Return the types to try, in this order."""
    if "type" in flat:
        declared = [flat["type"]] if isinstance(flat["type"], str) else flat["type"]
        return sorted(declared, key=lambda kind: (kind == "null") != terse)
    implied = [kind for kind, keywords in _KEYWORDS_OF_TYPE.items() if keywords & flat.keys()]
    return list(dict.fromkeys([*implied, *_KINDS]))
