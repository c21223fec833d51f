"""The schemas that functions and answers may have, strict and not strict."""

from __future__ import annotations

from typing import Any, Literal

import pytest
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

from mockserver.providers.openai.chat.structured_outputs import loose_flaw, strict_flaw

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
NOT_AT_THE_TOP = (
    "schema must have type 'object' and not have 'oneOf'/'anyOf'/'allOf'/'enum'/'not' at the top level."
)
CLOSED = "'additionalProperties' is required to be supplied and to be false."
REQUIRED = "'required' is required to be supplied and to be an array including every key in properties."


def closed(**properties: Schema) -> Schema:
    """Return a schema that strict mode accepts."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def open_one(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties}


def nested(levels: int) -> Schema:
    """Return an object schema whose objects are nested ``levels`` deep."""
    return closed(more=nested(levels - 1)) if levels else TEXT


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(a=TEXT, b={"type": ["integer", "null"]}, c={"anyOf": [TEXT, {"type": "null"}]}),
        closed(a={"type": "array", "items": closed(b=TEXT), "minItems": 1, "maxItems": 3}),
        closed(a={"type": "number", "minimum": 0, "exclusiveMaximum": 1, "multipleOf": 0.5, "title": "A"}),
        closed(a={"type": "string", "pattern": "^a+$", "description": "x"}, b=TEXT | {"format": "date-time"}),
        closed(a=TEXT | {"enum": ["x", "y"]}, b={"type": "integer", "enum": [1, 2]}, c=TEXT | {"const": "k"}),
        closed(a={"$ref": "#/$defs/b"}) | {"$defs": {"b": closed(c={"anyOf": [{"$ref": "#"}, TEXT]})}},
        closed(a={"$ref": "#/definitions/b~1c"}) | {"definitions": {"b/c": TEXT}},
        closed(a=TEXT) | {"$schema": "http://json-schema.org/draft-07/schema#", "$id": "x"},
        closed(default=TEXT, allOf=TEXT, required=TEXT),
        nested(10),
    ],
    ids=str,
)
def test_the_subset_of_structured_outputs_is_kept_to(schema: Schema) -> None:
    assert strict_flaw(schema) == ""


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (TEXT, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"string\"'."),
        ({"$ref": "#/$defs/a"}, "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."),
        ({"anyOf": [closed()]}, "schema must have a 'type' key."),
        ({"oneOf": [closed()]}, "In context=(), 'oneOf' is not permitted."),
        (closed() | {"allOf": [{}]}, "In context=(), 'allOf' is not permitted."),
        (closed() | {"oneOf": [{}]}, f"{NOT_AT_THE_TOP} Found 'oneOf'."),
        (closed() | {"anyOf": [{}]}, f"{NOT_AT_THE_TOP} Found 'anyOf'."),
        (open_one(a=TEXT), f"In context=(), {CLOSED}"),
        (open_one(a=open_one()), f"In context=(), {CLOSED}"),
        (closed() | {"additionalProperties": TEXT}, f"In context=(), {CLOSED}"),
        (
            {"type": "object", "additionalProperties": False},
            "In context=(), object schema missing properties.",
        ),
        (closed(a=open_one()), f"In context=('properties', 'a'), {CLOSED}"),
        (
            closed(a={"type": "array", "items": open_one()}),
            f"In context=('properties', 'a', 'items'), {CLOSED}",
        ),
        (
            closed(a={"anyOf": [{"type": "object"}, {"type": "null"}]}),
            f"In context=('properties', 'a', 'anyOf', '0'), {CLOSED}",
        ),
        (closed() | {"$defs": {"b": open_one()}}, f"In context=('$defs', 'b'), {CLOSED}"),
        (closed(a=TEXT, b=TEXT) | {"required": ["a"]}, f"In context=(), {REQUIRED} Missing 'b'."),
        (
            closed(a=TEXT) | {"required": ["a", "c"]},
            f"In context=(), {REQUIRED} Extra required key 'c' supplied.",
        ),
        (
            closed(a={"type": "object", "additionalProperties": TEXT}),
            f"In context=(), {REQUIRED} Extra required key 'a' supplied.",
        ),
        (closed(a={"type": "array"}), "In context=('properties', 'a'), array schema missing items."),
        (closed(a={}), "In context=('properties', 'a'), schema must have a 'type' key."),
        (closed(a={"const": "x"}), "In context=('properties', 'a'), schema must have a 'type' key."),
        (closed(a={"allOf": [TEXT]}), "In context=('properties', 'a'), 'allOf' is not permitted."),
        (closed(a=TEXT | {"minLength": 1}), "In context=('properties', 'a'), 'minLength' is not permitted."),
        (closed(a=TEXT | {"default": None}), "In context=('properties', 'a'), 'default' is not permitted."),
        (
            closed(a={"type": "array", "items": TEXT, "uniqueItems": True}),
            "In context=('properties', 'a'), 'uniqueItems' is not permitted.",
        ),
        (closed(a=TEXT | {"not": {}}), "In context=('properties', 'a'), Unsupported keywords ('not',)."),
        (closed(a=TEXT | {"format": "uri"}), "In context=('properties', 'a'), 'uri' is not a valid format."),
        (
            closed(a={"$ref": "#/$defs/b", "description": "x"}) | {"$defs": {"b": TEXT}},
            "context=('properties', 'a'), $ref cannot have keywords {'description'}.",
        ),
        (
            closed(a=TEXT, b={"$ref": "#/properties/a"}),
            (
                "In context=('properties', 'b'), reference can only point to definitions defined at the top level of "
                "the schema."
            ),
        ),
        (
            closed(a={"type": ["integer", "null"], "enum": ["0"]}),
            "context=('properties', 'a'), enum value 0 does not validate against {'type': ['integer', 'null']}.",
        ),
        (
            closed(a=TEXT | {"enum": ['say "a"']}),
            (
                "In context=('properties', 'a'), \" is not allowed in string literals for structured outputs "
                "(strict=true)."
            ),
        ),
        (nested(11), "11 levels of nesting exceeds limit of 10."),
        (closed(**{f"p{number}": TEXT for number in range(5001)}), "5001 parameters exceeds limit of 5000."),
    ],
    ids=lambda value: value[:60] if isinstance(value, str) else "",
)
def test_a_schema_that_cannot_be_satisfied_is_reported_with_its_place(schema: Schema, reason: str) -> None:
    assert strict_flaw(schema) == reason


class Step(BaseModel):
    text: str = Field(description="What to do.")
    after: Step | None


class Plan(BaseModel):
    steps: list[Step]
    mood: Literal["sunny", "gloomy"]
    first: Step = Field(description="Where to begin.")


def test_what_the_sdk_makes_of_a_model_is_kept_to() -> None:
    assert strict_flaw(to_strict_json_schema(Plan)) == ""


@pytest.mark.parametrize(
    "schema",
    [
        open_one(),
        open_one(a={}, b={"oneOf": [TEXT]}, c={"type": "object"}, d=TEXT | {"default": "x", "minLength": 1}),
        open_one(a={"type": "array", "items": {}}),
        open_one(a=nested(20)),
    ],
    ids=str,
)
def test_a_hint_may_be_any_schema_of_an_object(schema: Schema) -> None:
    assert loose_flaw(schema, of_function=True) == ""


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        (open_one() | {"anyOf": [{}]}, f"{NOT_AT_THE_TOP} Found 'anyOf'."),
        (open_one() | {"allOf": [{}]}, f"{NOT_AT_THE_TOP} Found 'allOf'."),
        ({"type": "object"}, "In context=(), object schema missing properties."),
        (open_one(a={"type": "array"}), "In context=('properties', 'a'), array schema missing items."),
        (
            open_one(a={"type": "array", "items": {"type": ["array", "null"]}}),
            "In context=('properties', 'a', 'items'), array schema missing items.",
        ),
        (
            open_one(a={"anyOf": [TEXT, {"type": "array", "prefixItems": [TEXT]}]}),
            "In context=('properties', 'a', 'anyOf', '1'), array schema missing items.",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_hint_is_refused_for_these(schema: Schema, reason: str) -> None:
    assert loose_flaw(schema, of_function=True) == reason


def test_an_answer_may_be_an_object_of_anything() -> None:
    assert loose_flaw({"type": "object"}, of_function=False) == ""
