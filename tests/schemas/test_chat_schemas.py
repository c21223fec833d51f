"""The schema of chat completions: valid requests, and the explanations of invalid ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from mockserver.resources import data_folder
from mockserver.validation import explanations as explain
from mockserver.validation.schemas import Schemas
from tests.spoilt_documents import spoilt

FOLDER = data_folder("schemas")
SCHEMAS = Schemas(FOLDER)
REAL = Schemas(FOLDER, real=True)
REQUEST = "openai/create_chat_completion.request"
RESPONSE = "openai/create_chat_completion.response"
CHUNK = "openai/chat_completion.chunk"

BASE = "https://example.invalid/"
REGISTRY: Registry[Any] = Registry().with_resources(
    (BASE + file.name, DRAFT202012.create_resource(json.loads(file.read_bytes())))
    for file in (FOLDER / "openai").glob("*.json")
)
STOCK = Draft202012Validator({"$ref": f"{BASE}create_chat_completion.request.json"}, registry=REGISTRY)

AUDIO = {"voice": "alloy", "format": "wav"}
TOOL = {"type": "function", "function": {"name": "look_up", "parameters": {"type": "object"}}}


def body(**changes: object) -> dict[str, Any]:
    return {"model": "gpt-audio", "messages": [{"role": "user", "content": "Hello."}], **changes}


def user(*parts: object) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


def speech(**changes: object) -> dict[str, Any]:
    return {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav", **changes}}


def lacking(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != name}


def refusal(document: object) -> explain.Explanation:
    return explain.standard(explain.most_relevant(SCHEMAS.violations(REQUEST, document)))


TEXT = {"type": "text", "text": "What is said here?"}
CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": "{}"}},
    {"id": "call_2", "type": "custom", "custom": {"name": "run", "input": "ls"}},
]
MESSAGES = [
    {"role": "system", "content": "Be brief."},
    {"role": "developer", "content": [TEXT], "name": "dev"},
    user(TEXT, speech(), {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}),
    user({"type": "file", "file": {"file_id": "file-1"}}),
    {"role": "assistant", "content": None, "audio": {"id": "audio_1"}},
    {"role": "assistant", "content": [TEXT, {"type": "refusal", "refusal": "No."}]},
    {"role": "assistant", "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "call_1", "content": "42"},
    {"role": "function", "name": "look_up", "content": None},
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message["role"])
def test_a_message_of_every_role_is_admitted(message: object) -> None:
    assert SCHEMAS.violations(REQUEST, body(messages=[message])) == []


@pytest.mark.parametrize(
    "parameters",
    [
        {"modalities": ["text", "audio"], "audio": AUDIO},
        {"audio": {"voice": {"id": "voice_1"}, "format": "pcm16"}},
        {"stop": "."},
        {"stop": [".", "!"]},
        {"tools": [TOOL, {"type": "custom", "custom": {"name": "run", "format": {"type": "text"}}}]},
        {"tool_choice": "required"},
        {"tool_choice": {"type": "function", "function": {"name": "look_up"}}},
        {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [TOOL]}}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {}}}},
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"store": True, "metadata": {"purpose": "test"}},
        {"seed": -(2**63), "logit_bias": {"50256": -100}, "reasoning_effort": "xhigh"},
    ],
    ids=str,
)
def test_documented_parameters_are_admitted(parameters: dict[str, Any]) -> None:
    assert SCHEMAS.violations(REQUEST, body(**parameters)) == []


def test_null_stands_for_most_parameters_left_out() -> None:
    declared = SCHEMAS.properties(REQUEST)
    null = [name for name in declared if SCHEMAS.is_valid(REQUEST, body(**{name: None}))]
    assert " ".join(sorted(declared.keys() - null)) == (
        "function_call functions messages model parallel_tool_calls prompt_cache_options response_format "
        "tool_choice tools user web_search_options"
    )


@pytest.mark.parametrize(
    ("document", "param"),
    [
        (lacking(body(), "messages"), "messages"),
        (lacking(body(), "model"), "model"),
        (body(messages=[{"content": "Hello."}]), "messages[0].role"),
        (body(messages=[*MESSAGES, {"role": "user"}]), "messages[9].content"),
        (body(messages=[{"role": "tool", "content": "42"}]), "messages[0].tool_call_id"),
        (body(messages=[user(TEXT, {"text": "Hello."})]), "messages[0].content[1].type"),
        (body(messages=[user({"type": "input_audio"})]), "messages[0].content[0].input_audio"),
        (
            body(messages=[user({"type": "input_audio", "input_audio": {"format": "wav"}})]),
            "messages[0].content[0].input_audio.data",
        ),
        (body(audio=lacking(AUDIO, "voice")), "audio.voice"),
        (body(audio=lacking(AUDIO, "format")), "audio.format"),
        (body(audio={"voice": {}, "format": "wav"}), "audio.voice.id"),
        (body(tools=[{"type": "function"}]), "tools[0].function"),
        (body(tools=[{"type": "function", "function": {}}]), "tools[0].function.name"),
        (body(tool_choice={"type": "function", "function": {}}), "tool_choice.function.name"),
        (body(functions=[TOOL]), "functions[0].name"),
        (body(function_call={}), "function_call.name"),
        (body(response_format={}), "response_format.type"),
        (body(response_format={"type": "json_schema"}), "response_format.json_schema"),
        (body(moderation={}), "moderation.model"),
    ],
)
def test_a_missing_parameter_is_named(document: object, param: str) -> None:
    message = f"Missing required parameter: '{param}'."
    assert refusal(document) == (message, param, "missing_required_parameter")


@pytest.mark.parametrize(
    ("document", "param", "value", "supported"),
    [
        (
            body(messages=[{"role": "robot", "content": "Hello."}]),
            "messages[0].role",
            "robot",
            "'system', 'assistant', 'user', 'function', 'tool', and 'developer'",
        ),
        (
            body(messages=[user(TEXT, {"type": "image"})]),
            "messages[0].content[1].type",
            "image",
            "'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'",
        ),
        (
            body(messages=[user({"type": "refusal", "refusal": "No."})]),
            "messages[0].content[0].type",
            "refusal",
            "'text', 'image_url', 'input_audio', and 'file'",
        ),
        (
            body(messages=[{"role": "system", "content": [speech()]}]),
            "messages[0].content[0].type",
            "input_audio",
            "'text'",
        ),
        (
            body(messages=[MESSAGES[0], MESSAGES[1], user(TEXT, speech(format="ogg"))]),
            "messages[2].content[1].input_audio.format",
            "ogg",
            "'wav' and 'mp3'",
        ),
        (
            body(audio={"voice": "alloy", "format": "pcm"}),
            "audio.format",
            "pcm",
            "'wav', 'aac', 'mp3', 'flac', 'opus', and 'pcm16'",
        ),
        (body(modalities=["text", "video"]), "modalities[1]", "video", "'text' and 'audio'"),
        (
            body(tools=[{"type": "web_search"}]),
            "tools[0].type",
            "web_search",
            "'function' and 'custom'",
        ),
        (body(tool_choice="any"), "tool_choice", "any", "'none', 'auto', and 'required'"),
        (
            body(tool_choice={"type": "tool"}),
            "tool_choice.type",
            "tool",
            "'function', 'allowed_tools', and 'custom'",
        ),
        (
            body(response_format={"type": "yaml"}),
            "response_format.type",
            "yaml",
            "'json_object', 'json_schema', and 'text'",
        ),
        (body(verbosity="mute"), "verbosity", "mute", "'low', 'medium', and 'high'"),
    ],
)
def test_an_unsupported_value_is_reported_with_the_supported_ones(
    document: object, param: str, value: str, supported: str
) -> None:
    message = f"Invalid value: '{value}'. Supported values are: {supported}."
    assert refusal(document) == (message, param, "invalid_value")


@pytest.mark.parametrize(
    ("document", "param", "expected", "got"),
    [
        (body(messages="Hello."), "messages", "an array of objects", "a string"),
        (body(messages=["Hello."]), "messages[0]", "an object", "a string"),
        (
            body(messages=[{"role": "user", "content": 7}]),
            "messages[0].content",
            "one of a string or array of objects",
            "an integer",
        ),
        (
            body(messages=[{"role": "developer", "content": None}]),
            "messages[0].content",
            "one of a string or array of objects",
            "null",
        ),
        (body(messages=[user("Hello.")]), "messages[0].content[0]", "an object", "a string"),
        (
            body(messages=[{"role": "assistant", "content": "", "tool_calls": "x"}]),
            "messages[0].tool_calls",
            "an array of objects",
            "a string",
        ),
        (body(max_completion_tokens="ten"), "max_completion_tokens", "an integer", "a string"),
        (body(temperature="hot"), "temperature", "a decimal", "a string"),
        (body(seed=1.5), "seed", "an integer", "a decimal number"),
        (body(stream="yes"), "stream", "a boolean", "a string"),
        (body(audio={"voice": 5, "format": "wav"}), "audio.voice", "one of a string or object", "an integer"),
        (body(metadata="x"), "metadata", "a metadata object", "a string"),
        (body(metadata={"modified": True}), "metadata.modified", "a string", "a boolean"),
        (body(tools="none"), "tools", "an array of objects", "a string"),
        (body(functions="x"), "functions", "an array of function definitions", "a string"),
        (
            body(tool_choice=7),
            "tool_choice",
            "one of one of 'none', 'auto', or 'required' or object",
            "an integer",
        ),
        (
            body(prompt_cache_retention={}),
            "prompt_cache_retention",
            "one of 'in_memory' or '24h'",
            "an object",
        ),
    ],
)
def test_a_wrong_type_is_reported(document: object, param: str, expected: str, got: str) -> None:
    message = f"Invalid type for '{param}': expected {expected}, but got {got} instead."
    assert refusal(document) == (message, param, "invalid_type")


@pytest.mark.parametrize(
    ("param", "value", "fault", "expected", "got", "code"),
    [
        ("messages", [], "empty array", "an array with minimum length 1", "an empty array", "empty_array"),
        (
            "stop",
            list("abcde"),
            "array too long",
            "an array with maximum length 4",
            "an array with length 5",
            "array_above_max_length",
        ),
        (
            "safety_identifier",
            "x" * 65,
            "string too long",
            "a string with maximum length 64",
            "a string with length 65",
            "string_above_max_length",
        ),
        ("temperature", 3, "decimal above maximum value", "a value <= 2", "3", "decimal_above_max_value"),
        (
            "presence_penalty",
            -3,
            "decimal below minimum value",
            "a value >= -2",
            "-3",
            "decimal_below_min_value",
        ),
        ("n", 0, "integer below minimum value", "a value >= 1", "0", "integer_below_min_value"),
        ("top_logprobs", 21, "integer above maximum value", "a value <= 20", "21", "integer_above_max_value"),
    ],
)
def test_a_value_out_of_bounds_is_reported_with_the_bound(
    param: str, value: object, fault: str, expected: str, got: str, code: str
) -> None:
    message = f"Invalid '{param}': {fault}. Expected {expected}, but got {got} instead."
    assert refusal(body(**{param: value})) == (message, param, code)


@pytest.mark.parametrize(
    ("parameters", "param"),
    [
        ({"quality": "hd"}, "quality"),
        ({"stream_options": {"bogus": 1}}, "stream_options.bogus"),
        ({"prompt_cache_options": {"bogus": 1}}, "prompt_cache_options.bogus"),
    ],
)
def test_an_unknown_parameter_is_named(parameters: dict[str, Any], param: str) -> None:
    assert refusal(body(**parameters)) == (f"Unknown parameter: '{param}'.", param, "unknown_parameter")


def test_further_members_of_a_message_are_let_through() -> None:
    assert SCHEMAS.is_valid(REQUEST, body(messages=[{"role": "user", "content": "Hello.", "mood": "good"}]))


@pytest.mark.parametrize(
    ("document", "param"),
    [
        ({"model": "m", "quality": "hd"}, "messages"),
        (body(quality="hd", messages=[]), "quality"),
        (body(metadata={"k": 7}, n=0), "n"),
        (body(metadata="x", messages=[7]), "messages[0]"),
        (body(top_logprobs=-1, tools="x"), "tools"),
        (body(seed=1.5, service_tier="bogus"), "seed"),
        (body(store="x", stream="y"), "stream"),
        (body(functions="x", function_call={}), "functions"),
        (body(messages=[MESSAGES[0], {"role": "a"}, {"role": "b"}]), "messages[1].role"),
        (body(messages=[user(TEXT, speech(format="ogg")), {"role": "robot"}]), None),
    ],
)
def test_of_several_violations_the_one_that_the_service_finds_first_is_reported(
    document: object, param: str | None
) -> None:
    assert refusal(document).param == (param or "messages[0].content[1].input_audio.format")


@pytest.mark.parametrize(
    "parameters",
    [
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "pcm16"}},
        {"stream": True, "stream_options": {"include_usage": True}, "model": "gpt-audio-1.5"},
    ],
    ids=str,
)
def test_a_recorded_request_is_admitted(parameters: dict[str, Any]) -> None:
    assert SCHEMAS.violations(REQUEST, body(messages=[user(speech(format="mp3"))], **parameters)) == []


_STRAY: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["", "auto", "text", "audio", "user", "function", "json_schema", "x" * 65]),
    st.sampled_from([[], [5], {}, {"type": "text"}, {"role": "user"}]),
)


_SPOILT = spoilt(
    [body(messages=MESSAGES, audio=AUDIO, tools=[TOOL], tool_choice="auto", metadata={"a": "b"})],
    ["type", "unheard_of"],
    _STRAY,
)


@settings(deadline=None, max_examples=150)
@given(document=_SPOILT)
def test_the_fast_verdict_the_standard_one_and_the_explanation_agree(document: Any) -> None:
    verdict = STOCK.is_valid(document)
    violations = SCHEMAS.violations(REQUEST, document)
    assert SCHEMAS.is_valid(REQUEST, document) == verdict
    assert (violations == []) == verdict
    for violation in violations:
        assert explain.standard(violation).message.startswith(("Invalid ", "Missing ", "Unknown "))


@settings(deadline=None, max_examples=150)
@given(document=_SPOILT)
def test_what_the_real_service_refuses_is_explained(document: Any) -> None:
    violations = REAL.violations(REQUEST, document)
    assert (violations == []) == REAL.is_valid(REQUEST, document)
    for violation in violations:
        assert explain.standard(violation).message.startswith(("Invalid ", "Missing ", "Unknown "))


def test_the_real_service_is_distinguished_by_keywords_beside_the_documented_ones() -> None:
    nameless = body(messages=[{"role": "user", "content": "Hi", "name": ""}])
    assert SCHEMAS.is_valid(REQUEST, nameless)
    (fault,) = REAL.violations(REQUEST, nameless)
    assert (fault.path, fault.keyword) == (("messages", 0, "name"), "minLength")
    silent = body(messages=[{"role": "user"}])
    assert REAL.is_valid(REQUEST, silent)
    (fault,) = SCHEMAS.violations(REQUEST, silent)
    assert (fault.path, fault.keyword) == (("messages", 0, "content"), "required")
