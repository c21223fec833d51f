"""Brings schemas into a common form, so that differently written ones can be compared."""

from __future__ import annotations

from functools import reduce
from typing import Any


def expanded(schema: Any, resolver: Any) -> Any:
    """Return the schema with all references, constants and unconditional ``allOf`` expanded."""
    if isinstance(schema, list):
        return [expanded(one, resolver) for one in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: expanded(value, resolver) for key, value in schema.items() if key != "$ref"}
    if isinstance(plain.get("const"), str):
        plain = {"type": "string", "enum": [plain["const"]]}
    if "$ref" in schema:
        target = resolver.lookup(schema["$ref"])
        plain = _merged(expanded(target.contents, target.resolver), plain)
    if "allOf" in plain and "if" not in plain["allOf"][0]:
        plain = reduce(_merged, plain.pop("allOf"), plain)
    return plain


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return a schema that admits what satisfies both schemas."""
    merged = one | other
    if "properties" in one and "properties" in other:
        mine, others = one["properties"], other["properties"]
        both = {name: _merged(mine[name], others[name]) for name in mine.keys() & others.keys()}
        merged["properties"] = mine | others | both
    if "enum" in one and "enum" in other:
        merged["enum"] = [value for value in one["enum"] if value in other["enum"]]
    if "required" in one or "required" in other:
        merged["required"] = sorted({*one.get("required", ()), *other.get("required", ())})
    return merged


def alternatives(schema: dict[str, Any]) -> list[Any]:
    """Return the alternatives of an expanded schema, one per JSON type or branch, without order and annotations."""
    branches = schema.get("anyOf") or schema.get("oneOf")
    if "allOf" in schema:
        branches = _cases(schema)
    if branches:
        found = [alternative for branch in branches for alternative in alternatives(branch)]
    else:
        types = schema.get("type", "object")
        found = [_structure(schema, name) for name in ([types] if isinstance(types, str) else types)]
    if schema.get("nullable"):
        found.append({"type": "null"})
    if {"type": "string"} in found:  # which also admits the enumerated strings beside it
        found = [one for one in found if one["type"] != "string"] + [{"type": "string"}]
    distinct = [one for place, one in enumerate(found) if one not in found[:place]]
    return sorted(distinct, key=repr)


def _cases(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the branches of a schema that is selected by one property, without those that it excludes."""
    base = {key: value for key, value in schema.items() if key != "allOf"}
    ((name, _),) = schema["allOf"][0]["if"]["properties"].items()
    rules = {rule["if"]["properties"][name]["enum"][0]: rule["then"] for rule in schema["allOf"]}
    return [
        _merged(_merged(base, {"properties": {name: {"enum": [value]}}}), rules.get(value, {}))
        for value in schema["properties"][name]["enum"]
    ]


def _structure(schema: dict[str, Any], json_type: str) -> dict[str, Any]:
    structure: dict[str, Any] = {"type": json_type}
    values = [value for value in schema.get("enum", ()) if value is not None]
    if json_type == "string":
        structure |= {"enum": sorted(values)} if values else {}
        structure |= {key: schema[key] for key in ("minLength", "maxLength") if key in schema}
    elif json_type in ("integer", "number"):  # as floats: the documented bounds of 64 bits are rounded
        structure |= {key: float(schema[key]) for key in ("minimum", "maximum") if key in schema}
    elif json_type == "array":
        structure |= {key: schema[key] for key in ("minItems", "maxItems") if key in schema}
        structure["items"] = alternatives(schema["items"])
    elif json_type == "object":
        properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        structure["properties"] = {name: alternatives(properties[name]) for name in sorted(properties)}
        structure["required"] = sorted(schema.get("required", ()))
        if others is not True:
            structure["additionalProperties"] = others and alternatives(others)
    return structure
