def _normal(schema: Any) -> Any:
    """The schema with references from ``_ROOT``, in the keywords of 2020-12, without an address of its own."""
    if isinstance(schema, list):
        return [_normal(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    normal: Flat = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            normal[key] = {name: _normal(part) for name, part in value.items()}
        elif key == "$ref" and isinstance(value, str) and value.startswith("#"):
            normal[key] = _ROOT + value
        elif key not in ("$schema", "$id"):
            normal[key] = value if key in _DATA else _normal(value)
    if isinstance(normal.get("items"), list):
        normal["prefixItems"] = normal.pop("items")
        normal["items"] = normal.pop("additionalItems", True)
    if normal.get("nullable") is True and isinstance(normal.get("type"), str):
        normal["type"] = [normal["type"], "null"]
    return normal


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


def _merged(one: Flat, other: Flat) -> Flat:
    """What satisfies both flat schemas, as near as one flat schema can say it."""
    merged = {**other, **one}
    for key in one.keys() & other.keys() & _MERGES.keys():
        merged[key] = _MERGES[key](one[key], other[key])
    return merged


def _by_plainness(branches: list[Schema], deep: bool) -> list[Schema]:
    """Null comes last; deep down it comes first, and what refers further on comes last."""
    return sorted(
        branches, key=lambda it: (deep and "$ref" in json.dumps(it), (it == {"type": "null"}) != deep)
    )


def _kinds(flat: Flat, deep: bool) -> list[str]:
    """The types to try, in this order."""
    if "type" in flat:
        kinds = [flat["type"]] if isinstance(flat["type"], str) else flat["type"]
        return sorted(kinds, key=lambda kind: (kind == "null") != deep)
    told = [kind for kind, keywords in _TOLD_BY.items() if keywords & flat.keys()]
    return list(dict.fromkeys([*told, *_KINDS]))
