"""Chats that call tools, and the older function calls."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import openai
import pytest

from tests.providers.openai.conftest import Body, Chat, sound, speech, text, user

Clip = tuple[str, bytes]

WEATHER: Body = {
    "name": "get_weather",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1, "maximum": 7}},
        "required": ["city", "days"],
        "additionalProperties": False,
    },
}
CLOCK: Body = {"name": "get_time", "parameters": {"type": "object", "properties": {}}}
FUNCTIONS = [{"type": "function", "function": each} for each in (WEATHER, CLOCK)]
SHELL: Body = {"type": "custom", "custom": {"name": "shell"}}


def called(message: Body) -> list[str]:
    calls = message.get("tool_calls") or ()
    return [(call.get("function") or call["custom"])["name"] for call in calls]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, ["get_weather"]),
        ("auto", ["get_weather"]),
        ("none", []),
        ("required", ["get_weather"]),
        ({"type": "function", "function": {"name": "get_time"}}, ["get_time"]),
        ({"type": "custom", "custom": {"name": "shell"}}, ["shell"]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [SHELL]}}, ["shell"]),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [SHELL]}}, []),
    ],
)
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-audio"])
def test_the_tool_choice_is_heeded(
    chat: Chat, hello: Clip, model: str, choice: str | Body | None, expected: list[str]
) -> None:
    question = {"type": "text", "text": "How is the weather in Paris?"}
    content = [question] if model == "gpt-4o" else [question, sound(hello[1])]
    body = text(user(content), model=model, tools=[*FUNCTIONS, SHELL])
    completion = chat.complete(body if choice is None else {**body, "tool_choice": choice})
    (answer,) = completion["choices"]
    assert called(answer["message"]) == expected
    assert answer["finish_reason"] == ("tool_calls" if expected else "stop")
    assert (answer["message"]["content"] is None) == bool(expected)


def test_arguments_satisfy_the_schema_of_the_tool(chat: Chat) -> None:
    (call,) = chat.message(text("The weather, please.", tools=FUNCTIONS))["tool_calls"]
    assert list(call) == ["id", "type", "function"]
    assert call["id"].startswith("call_")
    jsonschema.validate(json.loads(call["function"]["arguments"]), WEATHER["parameters"])


def test_a_schema_of_a_dialect_that_nobody_knows_is_taken_as_it_is(chat: Chat) -> None:
    parameters = {**WEATHER["parameters"], "$schema": "https://example.com/dialect"}
    function = {"name": "get_weather", "parameters": parameters}
    message = chat.message(text("Hi", tools=[{"type": "function", "function": function}]))
    assert message["content"] == "You wrote: Hi."


def test_a_malformed_schema_is_refused_however_deep_it_is(chat: Chat) -> None:
    parameters: Body = {"type": "strin"}
    for _ in range(200):
        parameters = {"type": "object", "properties": {"more": parameters}}
    function = {"name": "f", "parameters": parameters}
    status, error = chat.refusal(text("Hi", tools=[{"type": "function", "function": function}]))
    assert (status, error["code"]) == (400, "invalid_function_parameters")


IMPOSSIBLE: Body = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 5, "maxLength": 1}},
    "required": ["city"],
}


@pytest.mark.parametrize("strictness", ["real", "schema", "off"])
def test_a_schema_that_no_value_satisfies_is_refused(chat: Chat, strictness: str) -> None:
    functions = [{**CLOCK}, {**WEATHER, "parameters": IMPOSSIBLE}]
    tools = [{"type": "function", "function": each} for each in functions]
    for body, param, subject in (
        ({"tools": tools}, "tools[1].function.parameters", "function 'get_weather'"),
        ({"functions": functions}, "functions[1].parameters", "function 'get_weather'"),
        (
            {
                "response_format": {
                    "type": "json_schema",
                    "json_schema": {"name": "report", "schema": IMPOSSIBLE},
                }
            },
            "response_format",
            "response_format 'report'",
        ),
    ):
        response = chat.post(text(user("The weather?"), **body), x_mock_strictness=strictness)
        assert response.status == 400
        error = json.loads(response.body)["error"]
        assert error["param"] == param
        assert error["message"].startswith(f"Invalid schema for {subject}: no value fits the schema: ")


@pytest.mark.parametrize(
    "reference",
    [
        "https://json-schema.org/draft/2020-12/schema",
        "http://127.0.0.1:9/schema.json",
        "file:///etc/passwd",
        "other.json#/a",
    ],
)
def test_a_reference_that_leads_out_of_the_schema_is_refused(chat: Chat, reference: str) -> None:
    schema = {"type": "object", "properties": {"city": {"$ref": reference}}, "required": ["city"]}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
    response = chat.post(text(user("The weather?"), tools=[tool]))
    assert response.status == 400
    assert "references can only point to the schema itself." in json.loads(response.body)["error"]["message"]
    assert chat.post(text(user("The weather?"), tools=[tool]), x_mock_strictness="schema").status == 200


def test_a_reference_to_a_part_that_has_an_address_is_followed(chat: Chat) -> None:
    city = {"$id": "https://example.com/city", "type": "string", "enum": ["Paris"]}
    schema = {
        "type": "object",
        "properties": {"city": {"$ref": "https://example.com/city"}},
        "$defs": {"city": city},
    }
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": schema}}
    assert called(chat.message(text(user("The weather?"), tools=[tool]))) == ["get_weather"]


def test_what_is_wrong_with_a_malformed_schema_of_megabytes_is_not_looked_for(chat: Chat) -> None:
    properties = dict.fromkeys(map(str, range(200_000)))
    tool = {
        "type": "function",
        "function": {"name": "f", "parameters": {"type": "object", "properties": properties}},
    }
    response = chat.post(text(user("Hello."), tools=[tool]))
    assert json.loads(response.body)["error"]["message"] == (
        "Invalid schema for function 'f': it is not valid in its dialect."
    )


def test_several_tools_are_called_at_once_unless_that_is_forbidden(chat: Chat) -> None:
    body = text("Tell me time and weather.", tools=FUNCTIONS)
    assert called(chat.message(body)) == ["get_weather", "get_time"]
    assert called(chat.message({**body, "parallel_tool_calls": False})) == ["get_weather"]


def test_an_agent_that_must_call_a_tool_at_each_step_comes_to_its_last_one(client: openai.OpenAI) -> None:
    """Act as agents that end by calling ``final_answer``."""
    create: Any = client.chat.completions.create
    final: Body = {"name": "final_answer", "parameters": {"type": "object", "properties": {}, "required": []}}
    tools = [*FUNCTIONS, {"type": "function", "function": final}]
    messages: list[Any] = [user("How is the weather?")]
    steps: list[str] = []
    while "final_answer" not in steps:
        assert len(steps) < 10
        answer = (
            create(model="gpt-4o", messages=messages, tools=tools, tool_choice="required").choices[0].message
        )
        (call,) = answer.tool_calls
        steps.append(call.function.name)
        messages += [answer, {"role": "tool", "tool_call_id": call.id, "content": "fine"}]
    assert steps == ["get_weather", "get_time", "final_answer"]


def test_an_agent_that_writes_calls_and_results_as_text_comes_to_its_last_tool(chat: Chat) -> None:
    """Act as smolagents: calls are in the assistant's text, and their results in the user's."""
    final: Body = {"name": "final_answer", "parameters": {"type": "object", "properties": {}}}
    tools = [*FUNCTIONS, {"type": "function", "function": final}]
    messages = [user("How is the weather?")]
    steps: list[str] = []
    while "final_answer" not in steps:
        assert len(steps) < 10
        steps += called(chat.message(text(*messages, tools=tools, tool_choice="required")))
        calls = [{"type": "function", "function": {"name": steps[-1], "arguments": {"city": "Paris"}}}]
        messages += [{"role": "assistant", "content": f"Calling tools:\n{calls}"}, user("Observation:\nfine")]
    assert steps == ["get_weather", "get_time", "final_answer"]
    spoken_of: Body = {"role": "assistant", "content": "The function's name is get_weather."}
    body = text("Hi", spoken_of, "The weather, then.", tools=tools, tool_choice="required")
    assert called(chat.message(body)) == ["get_weather"]


def test_an_argument_is_made_up_though_none_is_required(chat: Chat) -> None:
    parameters = {**WEATHER["parameters"], "required": []}
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": parameters}}
    (call,) = chat.message(text("The weather, please.", tools=[tool]))["tool_calls"]
    assert json.loads(call["function"]["arguments"]) == {"city": "The weather, please.", "days": 1}


def test_a_request_in_speech_calls_a_tool_instead_of_speaking(chat: Chat) -> None:
    completion = chat.complete(speech("The weather, please.", tools=FUNCTIONS))
    message = completion["choices"][0]["message"]
    assert called(message) == ["get_weather"]
    assert "audio" not in message
    assert completion["usage"]["completion_tokens_details"]["audio_tokens"] == 0


def test_the_result_of_a_tool_is_spoken(chat: Chat) -> None:
    question = user("How is the weather in Paris?")
    asked = chat.message(speech(question, tools=FUNCTIONS))
    answer = {"role": "tool", "tool_call_id": asked["tool_calls"][0]["id"], "content": "18 degrees"}
    reply = chat.message(speech(question, asked, answer, tools=FUNCTIONS))
    assert reply["audio"]["transcript"] == "The tool answered: 18 degrees"


def test_functions_are_answered_with_the_function_call_of_old(chat: Chat) -> None:
    body = text("Tell me time and weather.", functions=[WEATHER, CLOCK])
    (choice,) = chat.complete(body)["choices"]
    message = choice["message"]
    assert list(message) == ["role", "content", "function_call", "refusal", "annotations"]
    assert message["function_call"]["name"] == "get_weather"
    assert choice["finish_reason"] == "function_call"
    jsonschema.validate(json.loads(message["function_call"]["arguments"]), WEATHER["parameters"])


def test_function_call_names_the_function_or_forbids_any(chat: Chat) -> None:
    body = text("How is the weather?", functions=[WEATHER, CLOCK])
    named = chat.message({**body, "function_call": {"name": "get_time"}})
    assert named["function_call"]["name"] == "get_time"
    assert chat.message({**body, "function_call": "none"})["content"] == "You wrote: How is the weather?"


def test_the_result_of_a_function_is_repeated(chat: Chat) -> None:
    question = user("How is the weather?")
    asked = chat.message(text(question, functions=[WEATHER]))
    returned = {"role": "function", "name": "get_weather", "content": "rain"}
    reply = chat.message(text(question, asked, returned, functions=[WEATHER]))
    assert reply["content"] == "The tool answered: rain"


def test_the_sdk_has_a_conversation_with_a_tool(client: openai.OpenAI, hello: Clip) -> None:
    create: Any = client.chat.completions.create
    question = user([{"type": "text", "text": "Check the weather."}, sound(hello[1])])
    asked = create(**speech(question, tools=FUNCTIONS)).choices[0].message
    answer = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "fine"}
    turn = asked.model_dump(exclude_none=True)
    reply = create(**speech(question, turn, answer, tools=FUNCTIONS)).choices[0].message
    assert reply.audio.transcript == "The tool answered: fine"
