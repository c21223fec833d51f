"""The schemas of the tools are those of the control API."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from mockserver.agents.schemas import bundled, operations, schema_names
from mockserver.agents.tools import schema_of, tool_rows
from mockserver.validation.schemas import Schemas

ROWS = list(tool_rows().values())
ARGUMENTS: list[tuple[str, dict[str, Any]]] = [
    (
        "search_journal",
        {"when": {"status": "4xx", "heard": {"contains": "day"}, "fields": {"n": 1}}, "limit": 5},
    ),
    ("add_stub", {"when": {"endpoint": "chat", "turn": {"at_least": 2}}, "reply": {"text": "Hello."}}),
    (
        "add_stub",
        {"replies": [{"error": "rate_limit_requests"}, {"segments": [{"text": "Hi."}]}], "then": "loop"},
    ),
    ("add_fault", {"fault": "latency", "seconds": 1, "when": {"model": "tts-1"}}),
    ("change_clock", {"advance": 61, "freeze": True}),
    ("stub_exchange", {"id": "req_1", "reply": {"text": "Hello."}}),
    ("get_model", {"name": "tts-1"}),
]
WRONG: list[tuple[str, dict[str, Any]]] = [
    ("search_journal", {"when": {"state": 429}}),
    ("search_journal", {"when": {"heard": {"holds": "day"}}}),
    ("add_stub", {"reply": {"text": 3}}),
    ("add_fault", {"fault": "fire"}),
    ("change_clock", {"advance": "a minute"}),
    ("stub_exchange", {"reply": {"text": "Hello."}}),
    ("get_model", {}),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_is_a_valid_schema_of_an_object_that_every_model_accepts(row: Any) -> None:
    schema = schema_of(row)
    Draft202012Validator.check_schema(schema)
    assert schema["type"] == "object"
    assert not schema.keys() & {"oneOf", "anyOf", "allOf", "not", "if", "then", "else", "$schema", "$id"}
    assert not list(Draft202012Validator(schema).iter_errors({})) or schema.get("required")


@pytest.mark.parametrize(("name", "arguments"), ARGUMENTS, ids=lambda value: json.dumps(value)[:40])
def test_valid_arguments_satisfy_it(name: str, arguments: dict[str, Any]) -> None:
    assert list(Draft202012Validator(schema_of(tool_rows()[name])).iter_errors(arguments)) == []


@pytest.mark.parametrize(("name", "arguments"), WRONG, ids=lambda value: json.dumps(value)[:40])
def test_wrong_arguments_violate_it(name: str, arguments: dict[str, Any]) -> None:
    assert list(Draft202012Validator(schema_of(tool_rows()[name])).iter_errors(arguments))


def test_the_members_of_a_tool_are_those_of_the_schema(schemas: Schemas) -> None:
    for name, schema in (("add_stub", "stub"), ("add_fault", "fault"), ("change_clock", "clock")):
        assert set(schema_of(tool_rows()[name])["properties"]) == set(schemas.properties(f"mock/{schema}"))


def test_every_tool_that_names_another_names_one_that_describes_the_argument() -> None:
    for row in ROWS:
        for argument, other in row.refers.items():
            assert argument in schema_of(tool_rows()[other])["properties"]


def test_all_definitions_of_the_tools_together_are_small() -> None:
    assert sum(len(json.dumps(schema_of(row))) for row in ROWS) < 40_000


@pytest.mark.parametrize("name", schema_names())
def test_a_bundle_refers_to_nothing_outside(name: str) -> None:
    bundle = bundled(name)
    Draft202012Validator.check_schema(bundle)
    for place in _references(bundle):
        target: Any = bundle
        for segment in place.removeprefix("#").strip("/").split("/"):
            target = target[segment] if segment else target


@pytest.mark.parametrize("document", [{"reply": {}}, {"reply": {"text": "Hi."}}, {"when": {}}, {}])
def test_a_bundle_accepts_what_the_schema_accepts(schemas: Schemas, document: dict[str, Any]) -> None:
    is_valid = not schemas.violations("mock/stub", document)
    assert Draft202012Validator(bundled("stub")).is_valid(document) == is_valid


def test_the_operations_are_those_of_the_control_api() -> None:
    assert operations()["removeStub"].path == "/_mock/stubs/{id}"
    assert operations()["removeStub"].path_names == ("id",)
    assert operations()["getLimits"].query_names == ("model",)


def _references(schema: Any) -> list[str]:
    if isinstance(schema, list):
        return [place for each in schema for place in _references(each)]
    if isinstance(schema, dict):
        own = [schema["$ref"]] if isinstance(schema.get("$ref"), str) else []
        return [*own, *(place for each in schema.values() for place in _references(each))]
    return []
