"""The tools of a request: which may be called, and how the response shows them."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.providers.openai.responses.requests.tools import made_strict, offered, shown
from tests.providers.openai.responses.conftest import Body, Responses

ADD: Body = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}
RUN: Body = {"type": "custom", "name": "run"}
SEARCH: Body = {"type": "web_search"}


def names(tools: list[Body], choice: object) -> tuple[list[str], list[str]]:
    found = offered(tools, choice)
    return [tool.name for tool in found.callable], [tool.name for tool in found.demanded]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, (["add", "run", "web_search"], [])),
        ("auto", (["add", "run", "web_search"], [])),
        ("none", ([], [])),
        ("required", (["add", "run", "web_search"], ["add", "run", "web_search"])),
        ({"type": "function", "name": "add"}, (["add"], ["add"])),
        ({"type": "custom", "name": "run"}, (["run"], ["run"])),
        ({"type": "web_search_preview"}, (["web_search"], ["web_search"])),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "add"}, SEARCH]},
            (["add", "web_search"], []),
        ),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "custom", "name": "run"}]},
            (["run"], ["run"]),
        ),
    ],
)
def test_the_choice_restricts_the_tools(choice: object, expected: tuple[list[str], list[str]]) -> None:
    assert names([SEARCH, ADD, RUN], choice) == expected


def test_a_server_of_tools_is_chosen_by_its_label() -> None:
    servers: list[Body] = [{"type": "mcp", "server_label": label} for label in ("one", "two")]
    assert names(servers, {"type": "mcp", "server_label": "two"}) == (["two"], ["two"])


def test_functions_of_a_namespace_are_called_with_it(responses: Responses) -> None:
    crm = {"type": "namespace", "name": "crm", "description": "Customers.", "tools": [ADD]}
    body = {"model": "gpt-5.4", "tools": [crm], "tool_choice": {"type": "function", "name": "add"}}
    (call,) = responses.items(body)
    assert (call["name"], call["namespace"]) == ("add", "crm")


def test_a_function_is_shown_with_all_its_members_and_made_strict() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}, "b": {"type": "string"}},
        "required": ["a"],
    }
    tool = shown({"name": "f", "type": "function", "parameters": schema})
    assert list(tool) == ["type", "description", "name", "output_schema", "parameters", "strict"]
    assert (tool["description"], tool["output_schema"], tool["strict"]) == (None, None, True)
    assert tool["parameters"] == {**schema, "required": ["a", "b"], "additionalProperties": False}


def test_a_function_that_says_what_it_wants_is_left_alone() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    for strict in (True, False):
        tool = shown({"name": "f", "type": "function", "parameters": schema, "strict": strict})
        assert (tool["parameters"], tool["strict"]) == (schema, strict)


def test_all_objects_of_a_schema_are_made_strict() -> None:
    inner = {"type": "object", "properties": {"b": {"type": "string"}}}
    strict = {**inner, "additionalProperties": False, "required": ["b"]}
    schema = {
        "type": "object",
        "properties": {
            "list": {"type": "array", "items": inner},
            "either": {"anyOf": [inner, {"type": "null"}]},
        },
        "$defs": {"inner": inner},
    }
    made = made_strict(schema)
    assert made["properties"]["list"]["items"] == strict
    assert made["properties"]["either"]["anyOf"] == [strict, {"type": "null"}]
    assert made["$defs"]["inner"] == strict
    assert made["required"] == ["list", "either"]


def test_a_very_deep_schema_ends_somewhere() -> None:
    schema: Any = {"type": "string"}
    for _ in range(5_000):
        schema = {"type": "array", "items": schema}
    assert made_strict(schema)["type"] == "array"


def test_built_in_tools_are_shown_with_defaults() -> None:
    location = {"type": "approximate", "city": None, "country": "US", "region": None, "timezone": None}
    assert shown(SEARCH) == {
        "type": "web_search",
        "return_token_budget": "default",
        "search_content_types": ["text"],
        "search_context_size": "medium",
        "user_location": location,
    }
    given = {"type": "approximate", "city": "Oslo"}
    place = shown({**SEARCH, "user_location": given})["user_location"]
    assert place == {"type": "approximate", "city": "Oslo", "country": None, "region": None, "timezone": None}
    assert list(place) == list(location)
    files = shown({"type": "file_search", "vector_store_ids": ["vs_1"], "max_num_results": 3})
    assert list(files) == ["type", "filters", "max_num_results", "ranking_options", "vector_store_ids"]
    assert (files["max_num_results"], files["ranking_options"]["ranker"]) == (3, "auto")


def test_secrets_for_servers_are_not_shown() -> None:
    tool = {
        "type": "mcp",
        "server_label": "one",
        "server_url": "https://mcp.example.com",
        "headers": {"X-Key": "secret"},
        "authorization": "secret",
    }
    echo = shown(tool)
    assert "secret" not in str(echo)
    assert list(echo) == ["type", *sorted(set(echo) - {"type"})]
    assert echo["require_approval"] == "always"
