"""The members of a response that repeat the request, or its defaults."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.openai.responses.conftest import Body, Responses

STANDARD = {"context": "current_turn", "effort": "medium", "mode": "standard", "summary": None}


@pytest.mark.parametrize(
    ("model", "top_p", "retention", "reasoning"),
    [
        ("gpt-4o", 1.0, "in_memory", {"context": None, "effort": None, "summary": None}),
        ("gpt-4.1-nano", 1.0, "in_memory", {"context": None, "effort": None, "summary": None}),
        ("gpt-5-nano", 1.0, "in_memory", STANDARD),
        ("o4-mini", 1.0, "in_memory", STANDARD),
        ("gpt-5.1", 1.0, "in_memory", STANDARD | {"effort": "none"}),
        ("gpt-5.2", 0.98, "24h", STANDARD | {"effort": "none"}),
        ("gpt-5.4-mini", 0.98, "24h", STANDARD | {"effort": "none"}),
        ("gpt-5.5", 0.98, "24h", STANDARD),
        ("gpt-5.6-luna", 0.98, "24h", STANDARD | {"context": "all_turns"}),
        ("gpt-5-pro", 1.0, "in_memory", STANDARD | {"effort": "high"}),
    ],
)
def test_each_model_has_its_defaults(
    responses: Responses, model: str, top_p: float, retention: str, reasoning: Body
) -> None:
    response = responses.create({"model": model})
    assert response["top_p"] == top_p
    assert response["prompt_cache_retention"] == retention
    assert {**response["reasoning"], "mode": reasoning.get("mode")} == {"mode": None} | reasoning
    assert list(response["reasoning"]) == list(reasoning)


@pytest.mark.parametrize("model", ["gpt-5.4", "gpt-4o"])
def test_a_phase_is_that_of_newer_models(responses: Responses, model: str) -> None:
    (message,) = responses.items({"model": model})
    assert message.get("phase") == ("final_answer" if model == "gpt-5.4" else None)


@pytest.mark.parametrize(
    ("name", "given", "shown"),
    [
        ("temperature", 0, 0.0),
        ("top_p", 0.5, 0.5),
        ("instructions", "", ""),
        ("metadata", {"a": "b"}, {"a": "b"}),
        ("max_output_tokens", 50, 50),
        ("max_tool_calls", 3, 3),
        ("parallel_tool_calls", False, False),
        ("store", False, False),
        ("truncation", "auto", "auto"),
        ("user", "me", "me"),
        ("safety_identifier", "me", "me"),
        ("prompt_cache_key", "key", "key"),
        ("tool_choice", "none", "none"),
        ("tool_choice", None, "auto"),
        ("text", {}, {"format": {"type": "text"}, "verbosity": "medium"}),
        (
            "text",
            {"format": {"type": "json_object"}},
            {"format": {"type": "json_object"}, "verbosity": "medium"},
        ),
    ],
)
def test_what_is_given_is_repeated(responses: Responses, name: str, given: Any, shown: Any) -> None:
    body: Body = {"input": "JSON, please.", name: given}
    if name == "tool_choice":
        body["tools"] = [
            {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
        ]
    response = responses.create(body)
    assert response[name] == shown
    assert type(response[name]) is type(shown)


def test_the_schema_of_the_text_is_shown_as_strict_unless_it_says_more(responses: Responses) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    given = {"type": "json_schema", "name": "n", "schema": schema}
    shown = responses.create({"text": {"format": given}})["text"]["format"]
    assert list(shown) == ["type", "description", "name", "schema", "strict"]
    assert (shown["strict"], shown["schema"]) == (True, {**schema, "additionalProperties": False})
    loose = responses.create({"text": {"format": given | {"strict": False}}})["text"]["format"]
    assert (loose["strict"], loose["schema"]) == (False, schema)


def test_what_was_included_is_not_repeated(responses: Responses) -> None:
    response = responses.create({"include": ["file_search_call.results"]})
    assert "include" not in response
    assert "stream" not in response
