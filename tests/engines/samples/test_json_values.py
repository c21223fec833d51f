"""A JSON Schema is answered with a valid value, small and always the same."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from mockserver.engines.samples.json_values import NoSample, sample

Schema = dict[str, Any]


def an_object(**properties: Any) -> Schema:
    """Return an object schema as strict tools declare it: every property required, no others allowed."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


STRING, INTEGER = {"type": "string"}, {"type": "integer"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"const": {"a": 1}}, {"a": 1}),
        ({"enum": [None, "red", "green"]}, "red"),
        ({"type": "integer", "default": 8}, 8),
        ({"type": "integer", "default": "eight", "examples": [7]}, 7),
        ({"type": ["null", "string"]}, "text"),
        ({"type": "string", "nullable": True}, "text"),
        ({"type": "null"}, None),
        ({"type": "boolean"}, True),
        ({"type": "boolean", "not": {"const": True}}, False),
        (True, "text"),
        ({}, "text"),
        ({"not": {"type": "string"}}, {}),
    ],
)
def test_a_schema_says_what_it_would_like(schema: Any, value: object) -> None:
    assert sample(schema) == value


@pytest.mark.parametrize(
    ("bounds", "value"),
    [
        ({"type": "number"}, 1),
        ({"type": "integer", "minimum": 18}, 18),
        ({"type": "integer", "exclusiveMinimum": 18}, 19),
        ({"type": "integer", "maximum": -3}, -3),
        ({"type": "integer", "minimum": 1.5}, 2),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "number", "minimum": -90.5, "maximum": -50}, -90.5),
        ({"type": "integer", "multipleOf": 5, "minimum": 7}, 10),
        ({"type": "integer", "multipleOf": 1.5, "minimum": 1}, 3),
        ({"type": "number", "multipleOf": 0.01, "minimum": 0.045, "maximum": 0.5}, 0.05),
        ({"allOf": [{"type": "integer", "multipleOf": 2}, {"multipleOf": 3}], "minimum": 1}, 6),
        ({"type": "integer", "not": {"enum": [1, 2]}}, 0),
        ({"minimum": 3}, 3),
    ],
)
def test_a_number_is_within_its_bounds(bounds: Schema, value: float) -> None:
    assert sample(bounds) == value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "format": "date-time"}, "2025-01-31T12:00:00Z"),
        ({"type": "string", "format": "email", "maxLength": 100}, "user@example.com"),
        ({"type": "string", "format": "of our house"}, "text"),
        ({"type": "string", "minLength": 6}, "text text"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "minLength": 6, "maxLength": 6}, "text t"),
        ({"type": "string", "maxLength": 0}, ""),
        ({"format": "uuid"}, "123e4567-e89b-42d3-a456-426614174000"),
    ],
)
def test_a_string_has_its_format_and_length(schema: Schema, value: str) -> None:
    assert sample(schema) == value


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{5}(-\d{4})?$",
        r"^\+?[1-9]\d{1,14}$",
        r"^#[0-9a-fA-F]{6}$",
        r"^[a-z0-9]+(?:-[a-z0-9]+)+$",
        r"^(?:GET|POST) /\S*$",
        r"^(?=.*[A-Z])(?=.*\d)(?=.*[^\w]).{8,}$",
        r"^(?!text)[a-z]{4}$",
        r"^([ab])x\1$",
        r"^[^a-z]+$",
        r"^[^x]y?\D\W\s$",
        r"^[\u4e00-\u9fff]{2}$",
        r"^a{3,5}?$",
        r"id_",
    ],
)
def test_a_string_matches_its_pattern(pattern: str) -> None:
    text = sample({"type": "string", "pattern": pattern})
    assert isinstance(text, str)
    assert re.search(pattern, text)


def test_a_pattern_and_a_length_hold_together() -> None:
    code = {"type": "string", "pattern": "^user_[a-z]+$", "minLength": 20, "maxLength": 22}
    assert sample(code) == "user_fghijklmnopqrst"


def test_several_texts_of_a_pattern_differ() -> None:
    codes = {"type": "array", "items": {"pattern": "^[A-Z]{2}$"}, "minItems": 5, "uniqueItems": True}
    listed = sample(codes)
    assert isinstance(listed, list)
    assert len(set(listed)) == 5


def test_a_string_without_a_hint_says_the_name_of_its_property() -> None:
    assert sample(an_object(first_name=STRING, zipCode=STRING)) == {
        "first_name": "first name",
        "zipCode": "zip code",
    }


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (STRING, STRING, {"a": "Is it raining?", "b": "b"}),
        (INTEGER, STRING, {"a": 1, "b": "Is it raining?"}),
        ({"type": "string", "format": "date"}, STRING, {"a": "2025-01-31", "b": "Is it raining?"}),
        ({"enum": ["celsius"]}, STRING, {"a": "celsius", "b": "Is it raining?"}),
        ({"type": "string", "maxLength": 5}, STRING, {"a": "a", "b": "Is it raining?"}),
        ({"type": "string", "pattern": "^[a-z]+$"}, STRING, {"a": "a", "b": "Is it raining?"}),
        ({"type": "string", "pattern": r"\S"}, STRING, {"a": "Is it raining?", "b": "b"}),
        ({"type": "array", "items": STRING}, STRING, {"a": ["Is it raining?"], "b": "b"}),
        (an_object(c=STRING), STRING, {"a": {"c": "Is it raining?"}, "b": "b"}),
    ],
)
def test_the_first_free_string_says_the_hint(first: Schema, second: Schema, said: object) -> None:
    assert sample(an_object(a=first, b=second), "Is it raining?") == said


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "object"}, {}),
        ({"type": "object", "properties": {"a": INTEGER, "b": INTEGER}}, {"a": 1, "b": 1}),
        ({"type": "object", "properties": {"a": INTEGER, "b": INTEGER}, "required": ["b"]}, {"b": 1}),
        ({"type": "object", "properties": {"a": INTEGER, "b": False}}, {"a": 1}),
        ({"required": ["a"], "additionalProperties": INTEGER}, {"a": 1}),
        ({"properties": {"a": INTEGER, "b": INTEGER}, "required": []}, {"a": 1, "b": 1}),
        ({"properties": {"a": INTEGER, "b": INTEGER}, "minProperties": 1, "maxProperties": 1}, {"a": 1}),
        ({"minProperties": 2, "additionalProperties": INTEGER}, {"property": 1, "property2": 1}),
        ({"minProperties": 1, "propertyNames": {"enum": ["de"]}, "additionalProperties": True}, {"de": "de"}),
        (
            {"minProperties": 2, "patternProperties": {"^x-": INTEGER}, "additionalProperties": False},
            {"x-": 1, "x-1": 1},
        ),
        ({"properties": {"a": INTEGER, "b": INTEGER}, "maxProperties": 1}, {"a": 1}),
        (
            {"required": ["card"], "dependentRequired": {"card": ["address"]}},
            {"card": "card", "address": "address"},
        ),
        (
            {"required": ["card"], "dependentSchemas": {"card": {"required": ["address"]}}},
            {"card": "card", "address": "address"},
        ),
        (
            {
                "type": "object",
                "properties": {"a": {"enum": ["x", "y"]}},
                "required": ["a"],
                "not": {"properties": {"a": {"const": "x"}}},
            },
            {"a": "y"},
        ),
    ],
)
def test_an_object_has_the_properties_it_needs(schema: Schema, value: object) -> None:
    assert sample(schema) == value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "array"}, ["text"]),
        ({"type": "array", "items": False}, []),
        ({"type": "array", "maxItems": 0}, []),
        ({"type": "array", "items": INTEGER, "minItems": 3}, [1, 1, 1]),
        ({"items": {"enum": [1, 2, 3]}, "minItems": 3, "uniqueItems": True}, [1, 2, 3]),
        ({"items": STRING, "minItems": 2, "uniqueItems": True}, ["text", "text2"]),
        ({"prefixItems": [STRING, INTEGER], "items": False}, ["text", 1]),
        ({"items": INTEGER, "contains": {"minimum": 10}, "minContains": 2}, [10, 10]),
        ({"prefixItems": [INTEGER], "contains": {"type": "null"}}, [1, None]),
    ],
)
def test_an_array_has_the_items_it_needs(schema: Schema, value: object) -> None:
    assert sample(schema) == value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"allOf": [an_object(a=INTEGER), {"properties": {"a": {"minimum": 5}}}]}, {"a": 5}),
        (
            {
                "allOf": [{"required": ["a"]}, {"required": ["a"]}],
                "minProperties": 2,
                "additionalProperties": INTEGER,
            },
            {"a": 1, "property": 1},
        ),
        ({"anyOf": [{"type": "null"}, STRING]}, "text"),
        ({"anyOf": [False, {"type": "integer"}]}, 1),
        ({"oneOf": [{"type": "integer"}, {"type": "number", "exclusiveMinimum": 0}]}, 0),
        (
            {"properties": {"a": INTEGER, "b": INTEGER}, "oneOf": [{"required": ["b"]}, {"required": ["a"]}]},
            {"b": 1},
        ),
        (
            {
                "required": ["country"],
                "properties": {"country": {"enum": ["CA", "US"]}},
                "if": {"properties": {"country": {"const": "US"}}},
                "then": {"required": ["zip"]},
            },
            {"country": "US", "zip": "zip"},
        ),
        ({"type": "integer", "if": {"minimum": 0}, "then": False, "else": {"maximum": -5}}, -5),
    ],
)
def test_schemas_are_combined(schema: Schema, value: object) -> None:
    assert sample(schema) == value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"$ref": "#/$defs/age", "$defs": {"age": {"minimum": 18}}}, 18),
        ({"$ref": "#/definitions/a~1%62", "definitions": {"a/b": INTEGER}}, 1),
        ({"$ref": "#age", "$defs": {"it": {"$anchor": "age", "type": "integer"}}}, 1),
        ({"$id": "https://example.com/s", "$ref": "#/$defs/a", "$defs": {"a": INTEGER}}, 1),
        ({"$ref": "#/$defs/a", "default": 5, "$defs": {"a": {"type": "integer", "default": 3}}}, 5),
        ({"prefixItems": [INTEGER, {"$ref": "#/prefixItems/0"}]}, [1, 1]),
    ],
)
def test_references_are_followed(schema: Schema, value: object) -> None:
    assert sample(schema) == value


def test_a_value_refers_to_what_it_inherits() -> None:
    animal = {"type": "object", "properties": {"name": STRING}, "required": ["name"]}
    extension = {"properties": {"parent": {"$ref": "#/$defs/animal"}}, "required": ["parent"]}
    dog = {"allOf": [{"$ref": "#/$defs/animal"}, extension], "$defs": {"animal": animal}}
    assert sample(dog) == {"name": "name", "parent": {"name": "name"}}


@pytest.mark.parametrize(
    ("following", "value"),
    [
        ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, {"value": 1, "next": None}),
        ({"type": "array", "items": {"$ref": "#"}}, {"value": 1, "next": []}),
        ({"oneOf": [{"$ref": "#"}, STRING]}, {"value": 1, "next": "next"}),
    ],
)
def test_a_recursive_value_ends_as_soon_as_it_may(following: Schema, value: object) -> None:
    assert sample(an_object(value=INTEGER, next=following)) == value


def test_types_that_all_know_one_another_stay_small() -> None:
    names = [f"type{number}" for number in range(12)]
    all_of_them = {"type": "object", "properties": {name: {"$ref": f"#/$defs/{name}"} for name in names}}
    schema = {"$ref": "#/$defs/type0", "$defs": dict.fromkeys(names, all_of_them)}
    assert len(str(sample(schema))) < 20_000


def test_a_strict_tool_is_called_with_all_its_parameters() -> None:
    parameters = an_object(
        location={"type": "string", "description": "City and country, e.g. Bogotá, Colombia"},
        units={"type": ["string", "null"], "enum": ["celsius", "fahrenheit", None]},
        days={"type": "integer", "minimum": 1, "maximum": 14},
        alerts={"type": "array", "items": an_object(kind={"$ref": "#/$defs/kind"}, by={"type": "boolean"})},
    )
    parameters["$defs"] = {"kind": {"type": "string", "enum": ["mail", "call"]}}
    assert sample(parameters, "What is the weather in Paris?") == {
        "location": "What is the weather in Paris?",
        "units": "celsius",
        "days": 1,
        "alerts": [{"kind": "mail", "by": True}],
    }


def test_a_tuple_of_draft_7_is_understood() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "array",
        "items": [STRING, {"$ref": "#/definitions/n"}],
        "additionalItems": False,
        "minItems": 2,
        "definitions": {"n": INTEGER},
    }
    value = sample(schema)
    assert value == ["text", 1]
    Draft7Validator(schema).validate(value)


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (False, "no value"),
        ({"type": "integer", "minimum": 3, "maximum": 2}, "no value"),
        ({"allOf": [STRING, INTEGER]}, "no value"),
        ({"$ref": "#"}, "no value"),
        (an_object(next={"$ref": "#"}), "no value"),
        ({"type": 5}, "not valid"),
        ({"type": "string", "pattern": "("}, "not a"),
        ({"$ref": "#/$defs/missing"}, "does not exist"),
        ({"$ref": "https://example.com/schema.json"}, "not part of the schema"),
        ({"type": "array", "items": STRING, "minItems": 10**9}, "too complex"),
        ({"type": "string", "minLength": 10**12}, "no value"),
    ],
)
def test_a_schema_without_a_value_is_refused(schema: Any, reason: str) -> None:
    with pytest.raises(NoSample, match=reason):
        sample(schema)


def test_a_schema_nested_too_deeply_is_refused() -> None:
    schema: Schema = STRING
    for _ in range(5000):
        schema = {"items": schema}
    with pytest.raises(NoSample, match="too deeply"):
        sample(schema)


def test_the_schema_is_left_as_it_was() -> None:
    schema = an_object(tags={"type": "array", "items": {"$ref": "#/$defs/tag"}})
    schema["$defs"] = {"tag": {"type": "string", "nullable": True}}
    before = repr(schema)
    sample(schema, "hello")
    assert repr(schema) == before


def lengths(least: str, most: str, limit: int) -> st.SearchStrategy[Schema]:
    bounds = st.tuples(st.integers(0, limit), st.integers(0, limit)).map(sorted)
    return st.one_of(st.just({}), bounds.map(lambda it: {least: it[0], most: it[1]}))


def merged(*parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    return st.tuples(*parts).map(lambda all_of_them: {k: v for part in all_of_them for k, v in part.items()})


def kind(name: str) -> st.SearchStrategy[Schema]:
    return st.just({"type": name})


FORMATS = st.sampled_from(["date", "email", "uri", "uuid", "ipv4"]).map(lambda name: {"format": name})
PATTERNS = st.sampled_from(["^[a-z]{2,9}$", r"^\d+(\.\d+)?$", "^(red|green)$", "@", r"\S"])
MULTIPLES: st.SearchStrategy[Schema] = st.sampled_from(
    [{}, {"multipleOf": 1}, {"multipleOf": 0.5}, {"multipleOf": 0.25}]
)
LEAVES = st.one_of(
    merged(kind("string"), lengths("minLength", "maxLength", 40)),
    merged(kind("string"), FORMATS),
    merged(kind("string"), PATTERNS.map(lambda pattern: {"pattern": pattern})),
    merged(kind("integer"), lengths("minimum", "maximum", 100)),
    merged(kind("number"), lengths("minimum", "maximum", 9), MULTIPLES),
    merged(
        kind("number"), st.integers(-9, 9).map(lambda n: {"exclusiveMinimum": n, "exclusiveMaximum": n + 1})
    ),
    st.lists(st.none() | st.booleans() | st.integers() | st.text(), min_size=1).map(lambda it: {"enum": it}),
    st.sampled_from(["string", "boolean", "null", "integer", "array", "object"]).map(
        lambda name: {"type": name}
    ),
    st.just({"$ref": "#/$defs/node"}),
)
NAMES = st.sampled_from(["name", "age", "zipCode", "a/b", "$ref", "type", "é"])


@st.composite
def objects(draw: st.DrawFn, parts: st.SearchStrategy[Schema]) -> Schema:
    properties = draw(st.dictionaries(NAMES, parts, max_size=4))
    schema: Schema = {"type": "object", "properties": properties}
    if draw(st.booleans()):
        schema["required"] = draw(st.lists(st.sampled_from([*properties]), unique=True)) if properties else []
    if draw(st.booleans()):
        schema["additionalProperties"] = False
    elif draw(st.booleans()):
        schema["minProperties"] = draw(st.integers(0, 6))
    return schema


def composites(parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    some = st.lists(parts, min_size=1, max_size=3)
    return st.one_of(
        objects(parts),
        merged(kind("array"), parts.map(lambda it: {"items": it}), lengths("minItems", "maxItems", 4)),
        some.map(lambda items: {"type": "array", "prefixItems": items, "items": False}),
        some.map(lambda branches: {"anyOf": branches}),
        some.map(lambda branches: {"anyOf": [{"type": "null"}, *branches]}),
        some.map(
            lambda branches: {
                "oneOf": [an_object(kind={"const": n}, it=branch) for n, branch in enumerate(branches)]
            }
        ),
        parts.map(lambda it: {"allOf": [it]}),
        st.tuples(parts, parts).map(lambda it: {"allOf": [an_object(a=it[0]), {"properties": {"a": True}}]}),
        parts.map(lambda it: {"if": it, "then": it, "else": False}),
    )


SCHEMAS = st.recursive(LEAVES, composites, max_leaves=8)
NODE = an_object(value=INTEGER, next={"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]})


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(schema=SCHEMAS, hint=st.sampled_from(["", "What is the weather in Paris?"]))
def test_a_sample_is_valid_and_always_the_same(schema: Schema, hint: str) -> None:
    schema = {**schema, "$defs": {"node": NODE}}
    value = sample(schema, hint)
    Draft202012Validator(schema).validate(value)
    assert sample(schema, hint) == value


def test_a_pattern_with_a_group_that_refers_back_has_no_long_sample() -> None:
    with pytest.raises(NoSample, match="no value of the schema was found"):
        sample({"type": "string", "pattern": r"^(a|aa)+\1$", "minLength": 2_000})


def test_a_class_of_many_characters_is_sampled() -> None:
    pattern = "[" + "".join(map(chr, range(300, 20_000))) + "]+b"
    value = sample({"type": "string", "pattern": pattern, "minLength": 2_000})
    assert isinstance(value, str)
    assert re.search(pattern, value)
    assert len(value) >= 2_000
