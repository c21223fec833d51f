"""Checks that the schemas of functions and answers are in the subset of JSON Schema of Structured Outputs.

Places in a schema are written as the service writes them, as Python tuples: ``('properties', 'tags', 'items')``.
The wording is that of published refusals; ``catalog/structured_outputs.toml`` has the refused keywords and the limits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mockserver.catalog.reading import read_table

_TABLE = Path(__file__).parents[3] / "catalog" / "structured_outputs.toml"
_NOT_AT_THE_TOP = ("oneOf", "anyOf", "allOf", "enum", "not")
_DEFINITIONS = ("$defs", "definitions")

Schema = Mapping[str, Any]
Context = tuple[str, ...]


def strict_flaw(schema: Schema) -> str:
    """Return why ``schema`` is refused in strict mode, in the service's words; empty if it is not.

    ``schema`` is a valid JSON Schema.
    """
    return _strict_root_flaw(schema) or next(_strict_flaws(schema, (), schema), "") or _too_large(schema)


def loose_flaw(schema: Schema, *, of_function: bool) -> str:
    """Return why ``schema`` is refused without strict mode; empty if it is not.

    A function's schema must have ``properties``, even if they are empty.
    """
    if schema.get("type") != "object":
        return _not_an_object(schema)
    if found := [keyword for keyword in _NOT_AT_THE_TOP if keyword in schema]:
        return _combined_at_the_top(found[0])
    if of_function and "properties" not in schema:
        return _in_context((), "object schema missing properties.")
    return next(_arrays_without_items(schema, ()), "")


def _strict_root_flaw(schema: Schema) -> str:
    if schema.get("type") == "object":
        found = [keyword for keyword in _NOT_AT_THE_TOP if keyword in schema and keyword != "allOf"]
        return _combined_at_the_top(found[0]) if found else ""
    if "type" in schema or "$ref" in schema:
        return _not_an_object(schema)
    if "anyOf" in schema:
        return "schema must have a 'type' key."
    return next(_keywords_not_permitted(schema, ()), "") or _not_an_object(schema)


def _not_an_object(schema: Schema) -> str:
    return f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'."


def _combined_at_the_top(keyword: str) -> str:
    listed = "/".join(f"'{each}'" for each in _NOT_AT_THE_TOP)
    return f"schema must have type 'object' and not have {listed} at the top level. Found '{keyword}'."


def _in_context(context: Context, fault: str) -> str:
    return f"In context={context!r}, {fault}"


def _arrays_without_items(schema: Any, context: Context) -> Iterator[str]:
    if not isinstance(schema, dict):
        return
    if "array" in _types(schema) and "items" not in schema:
        yield _in_context(context, "array schema missing items.")
    for step, part in _parts(schema):
        yield from _arrays_without_items(part, (*context, *step))


def _parts(schema: Schema) -> Iterator[tuple[Context, Any]]:
    """Yield the direct subschemas of ``schema``, each with the steps of its path."""
    for name, part in schema.get("properties", {}).items():
        yield ("properties", name), part
    if "items" in schema:
        yield ("items",), schema["items"]
    for keyword in ("anyOf", "oneOf", "allOf"):
        for number, part in enumerate(schema.get(keyword, ())):
            yield (keyword, str(number)), part
    for keyword in _DEFINITIONS:
        for name, part in schema.get(keyword, {}).items():
            yield (keyword, name), part


def _types(schema: Schema) -> list[str]:
    types = schema.get("type", [])
    return [types] if isinstance(types, str) else types


def _strict_flaws(schema: Any, context: Context, root: Schema) -> Iterator[str]:
    """Yield the flaws of ``schema`` and its subschemas, outer ones first."""
    if not isinstance(schema, dict):
        yield _in_context(context, "schema must have a 'type' key.")
        return
    if "$ref" in schema:
        yield from _reference_flaws(schema, context, root)
        return
    yield from _keywords_not_permitted(schema, context)
    if "type" not in schema and "anyOf" not in schema:
        yield _in_context(context, "schema must have a 'type' key.")
    if "array" in _types(schema) and "items" not in schema:
        yield _in_context(context, "array schema missing items.")
    if "object" in _types(schema):
        yield from _object_flaws(schema, context)
    yield from _value_flaws(schema, context)
    for step, part in _parts(schema):
        if step[0] != "properties" or not _names_no_properties(part):
            yield from _strict_flaws(part, (*context, *step), root)


def _reference_flaws(schema: Schema, context: Context, root: Schema) -> Iterator[str]:
    if others := [keyword for keyword in schema if keyword != "$ref" and keyword not in _DEFINITIONS]:
        yield f"context={context!r}, $ref cannot have keywords {{{', '.join(map(repr, others))}}}."
    if not _leads_to_a_definition(schema["$ref"], root):
        fault = "reference can only point to definitions defined at the top level of the schema."
        yield _in_context(context, fault)


def _leads_to_a_definition(reference: str, root: Schema) -> bool:
    place, *steps = reference.split("/")
    if place != "#" or not steps:
        return reference == "#"
    name = "/".join(steps[1:]).replace("~1", "/").replace("~0", "~")
    return steps[0] in _DEFINITIONS and name in root.get(steps[0], ())


def _keywords_not_permitted(schema: Schema, context: Context) -> Iterator[str]:
    for keyword in schema:
        if keyword in _table()["not_permitted"]:
            yield _in_context(context, f"'{keyword}' is not permitted.")
        if keyword == "not":
            yield _in_context(context, "Unsupported keywords ('not',).")


def _object_flaws(schema: Schema, context: Context) -> Iterator[str]:
    if schema.get("additionalProperties") is not False:
        yield _in_context(context, "'additionalProperties' is required to be supplied and to be false.")
    if "properties" not in schema:
        yield _in_context(context, "object schema missing properties.")
        return
    properties = [name for name, part in schema["properties"].items() if not _names_no_properties(part)]
    required = dict.fromkeys(schema.get("required", ()))
    wanted = "'required' is required to be supplied and to be an array including every key in properties."
    for name in properties:
        if name not in required:
            yield _in_context(context, f"{wanted} Missing '{name}'.")
    for name in required:
        if name not in schema["properties"] or _names_no_properties(schema["properties"][name]):
            yield _in_context(context, f"{wanted} Extra required key '{name}' supplied.")


def _names_no_properties(schema: Any) -> bool:
    """Return whether this is an object without ``properties``, which the service ignores as a property."""
    return isinstance(schema, dict) and schema.get("type") == "object" and "properties" not in schema


def _value_flaws(schema: Schema, context: Context) -> Iterator[str]:
    """Yield the flaws of a schema's enumerated values and of its format."""
    import jsonschema_rs

    values = [*schema.get("enum", ()), *([schema["const"]] if "const" in schema else ())]
    for character, shown in _table()["not_in_literals"].items():
        if any(isinstance(value, str) and character in value for value in values):
            fault = f"{shown} is not allowed in string literals for structured outputs (strict=true)."
            yield _in_context(context, fault)
    kind = {"type": schema["type"]} if "type" in schema else {}
    for value in schema.get("enum", ()):
        if not jsonschema_rs.is_valid(kind, value):
            yield f"context={context!r}, enum value {value} does not validate against {kind!r}."
    if "format" in schema and schema["format"] not in _table()["formats"]:
        yield _in_context(context, f"'{schema['format']}' is not a valid format.")


def _too_large(schema: Schema) -> str:
    sizes = {"levels": 0, "parameters": 0, "enum_values": 0}
    _measure(schema, 0, sizes)
    names = {"levels": "levels of nesting", "parameters": "parameters", "enum_values": "enum values"}
    for name, limit in _table()["most"].items():
        if sizes[name] > limit:
            return f"{sizes[name]} {names[name]} exceeds limit of {limit}."
    return ""


def _measure(schema: Any, level: int, sizes: dict[str, int]) -> None:
    """Add the sizes of ``schema`` and its subschemas to ``sizes``; ``level`` is its depth."""
    if not isinstance(schema, dict):
        return
    sizes["levels"] = max(sizes["levels"], level)
    sizes["parameters"] += len(schema.get("properties", ()))
    sizes["enum_values"] += len(schema.get("enum", ()))
    for step, part in _parts(schema):
        deeper = step[0] in ("properties", "items")
        _measure(part, 0 if step[0] in _DEFINITIONS else level + deeper, sizes)


@cache
def _table() -> Mapping[str, Any]:
    return read_table(_TABLE)
