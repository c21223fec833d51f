"""The forms in which models read tools and write calls. Recorded counts are in ``tests/recorded``."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.catalog.tables import Catalog
from mockserver.engines.dialogue import ToolCall
from mockserver.wire import tokens
from mockserver.wire.chat_tokens import PromptTokens, ReplyTokens, declarations, transcript_tokens

RULES = Catalog().token_rules()


def declared(parameters: object, **members: object) -> str:
    """Return the lines between the first and the last of the declarations."""
    lines = declarations([{"name": "f", "parameters": parameters, **members}]).split("\n")
    assert lines[:2] == ["namespace functions {", ""]
    assert lines[-2:] == ["", "} // namespace functions"]
    return "\n".join(lines[2:-2])


def object_of(**properties: object) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


@pytest.mark.parametrize(
    ("schema", "type_"),
    [
        ({"type": "string"}, "string"),
        ({"type": "integer"}, "number"),
        ({"type": "boolean"}, "boolean"),
        ({"type": ["string", "null"]}, "string | null"),
        ({"enum": ["a", 1, None]}, '"a" | 1 | null'),
        ({"type": "array", "items": {"type": "number"}}, "number[]"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "string | null"),
        ({"type": "object"}, "object"),
        (object_of(b={"type": "string"}), "{ b: string }"),
        ({}, "any"),
        (True, "any"),
        ({"type": 5}, "any"),
    ],
)
def test_a_parameter_is_a_type_of_typescript(schema: object, type_: str) -> None:
    assert declared(object_of(a=schema)) == f"type f = (_: {{ a: {type_} }}) => any;"


def test_descriptions_are_comments_and_what_is_not_required_is_optional() -> None:
    parameters = object_of(a={"type": "string", "description": "One.\nTwo."}, b={"type": "number"})
    assert declared({**parameters, "required": ["a"]}, description="Does it.").split("\n") == [
        "// Does it.",
        "type f = (_: {",
        "// One.",
        "// Two.",
        "a: string,",
        "b?: number,",
        "}) => any;",
    ]


def test_types_that_are_listed_are_declared_once_each() -> None:
    several = {"type": ["object", "null"], "properties": {"b": {"type": "string"}}}
    assert declared(object_of(a=several)) == "type f = (_: { a: { b: string } | null }) => any;"
    repeated: dict[str, Any] = {"type": "string"}
    for _ in range(20):
        repeated = {"type": ["object", 5] * 20, "properties": {"a": repeated}}
    assert len(declared(object_of(a=repeated))) < 1_000


def test_a_hundred_thousand_required_parameters_are_declared_at_once() -> None:
    names = [f"p{number}" for number in range(100_000)]
    parameters = object_of(**{name: {} for name in names})
    text = declared({**parameters, "required": [*names[1:], 5, []]})
    assert text.count("?") == 1
    assert "p0?: any," in text


@pytest.mark.parametrize("parameters", [None, {}, "no schema", {"type": "object", "properties": {}}])
def test_a_function_may_have_no_parameters(parameters: object) -> None:
    assert declared(parameters) == "type f = () => any;"


def test_a_prompt_grows_by_what_each_message_takes() -> None:
    prompt = PromptTokens(RULES)
    assert prompt.total == 3
    prompt.message(["Hello"])
    assert prompt.total == 8
    prompt.message(["Hello"], name="Ann")
    assert prompt.total == 15
    prompt.message([], audio_parts=1)
    assert prompt.total == 23


def test_what_no_call_asked_for_counts_all_the_same() -> None:
    prompt = PromptTokens(RULES)
    prompt.result("call_unknown", ["Hello"])
    assert prompt.total == 3 + 3 + 1


def test_three_calls_at_once_are_one_call_that_lists_them() -> None:
    calls = [ToolCall("add", f'{{"n":{number}}}') for number in (1, 2, 3)]
    listed = ", ".join(
        f'{{"recipient_name": "functions.add", "parameters": {{"n":{number}}}}}' for number in (1, 2, 3)
    )
    reply = ReplyTokens(RULES, tools=True, choice="auto")
    assert reply.of_calls(calls) == tokens.count(f'{{"tool_uses": [{listed}]}}') + 1


@pytest.mark.parametrize(
    "choice",
    [
        {"type": "function", "function": {"name": "add"}},
        {"name": "add"},
        {"type": "custom", "custom": {"name": "add"}},
    ],
)
def test_a_call_that_is_demanded_by_name_begins_in_the_prompt(choice: object) -> None:
    call = [ToolCall("add", '{"n":1}')]
    function = {"name": "add"}
    free, demanded = PromptTokens(RULES), PromptTokens(RULES)
    free.tools([function], "auto", beside_system=False)
    demanded.tools([function], choice, beside_system=False)
    begun = demanded.total - free.total
    whole = ReplyTokens(RULES, tools=True, choice="auto").of_calls(call)
    assert begun + ReplyTokens(RULES, tools=True, choice=choice).of_calls(call) == whole


@pytest.mark.parametrize(("written", "expected"), [(0, 0), (1, 5), (9, 17), (15, 25), (20, 32), (25, 37)])
def test_transcripts_cost_what_was_recorded(written: int, expected: int) -> None:
    assert transcript_tokens(written) == expected


def test_the_transcript_that_was_recorded_costs_as_much() -> None:
    said = "Hi there! I'm hearing you loud and clear. How can I help you with your test today?"
    reply = ReplyTokens(RULES)
    assert (reply.of_transcript(said), reply.of_text(said)) == (32, 20)


@pytest.mark.parametrize(
    ("model", "family", "vocabulary"),
    [
        ("gpt-4o", "gpt-4o", "o200k_base"),
        ("gpt-4o-mini-2024-07-18", "gpt-4o-mini", "o200k_base"),
        ("gpt-4o-mini-transcribe", "gpt-4o-mini", "o200k_base"),
        ("gpt-audio-1.5", "gpt-4o", "o200k_base"),
        ("gpt-4", "gpt-4 and gpt-3.5", "cl100k_base"),
        ("gpt-4-turbo", "gpt-4 and gpt-3.5", "cl100k_base"),
        ("gpt-3.5-turbo-0125", "gpt-4 and gpt-3.5", "cl100k_base"),
        ("gpt-4.1", "gpt-4o", "o200k_base"),
        ("gpt-4.5-preview", "gpt-4o", "o200k_base"),
        ("o1-mini", "o-series", "o200k_base"),
        ("o3", "o-series", "o200k_base"),
        ("gpt-5", "gpt-5", "o200k_base"),
        ("gpt-5-2025-08-07", "gpt-5", "o200k_base"),
        ("gpt-5-nano", "gpt-5-nano", "o200k_base"),
        ("gpt-5.1-2025-11-13", "gpt-5", "o200k_base"),
        ("gpt-5.4-mini", "gpt-5.2 and later", "o200k_base"),
        ("text-embedding-3-small", "gpt-4 and gpt-3.5", "cl100k_base"),
        ("", "gpt-4o", "o200k_base"),
    ],
)
def test_a_model_counts_as_its_family_does(model: str, family: str, vocabulary: str) -> None:
    rules = Catalog().token_rules(model)
    assert (rules.family, rules.vocabulary) == (family, vocabulary)


@pytest.mark.parametrize("levels", [10, 45, 400])
def test_a_schema_is_declared_as_far_as_it_can_be(levels: int) -> None:
    """Nest more than fifty levels, where anything may follow; the real API accepts ten."""
    objects: dict[str, Any] = {"type": "string"}
    lists: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        objects, lists = object_of(a=objects), {"type": "array", "items": lists}
    deepest = "{ a: string }" if levels < 50 else "{ a: any }"
    assert declared(object_of(a=objects)).count(deepest) == 1
    assert declared(object_of(a=lists)).count("[]") == min(levels, 49)
