"""The items of responses: reasoning, messages, calls, built-in tools, and those of stubs."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from mockserver.providers.openai.responses.forms import built_in_tools
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.responses.conftest import Body, Responses

FUNCTION: Body = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME: Body = {"type": "function", "name": "get_time", "parameters": {"type": "object", "properties": {}}}


def types(items: list[Body]) -> list[str]:
    return [item["type"] for item in items]


@pytest.mark.parametrize(
    ("model", "reasoning", "tokens"),
    [
        ("gpt-4o-mini", None, None),
        ("gpt-5-mini", None, 128),
        ("gpt-5-mini", {"effort": "minimal"}, 0),
        ("gpt-5.4", None, None),
        ("gpt-5.4", {"effort": "low"}, 64),
        ("gpt-5.6-terra", None, 128),
        ("gpt-5.6-terra", {"effort": "none"}, None),
    ],
)
def test_models_that_reason_say_so_first(
    responses: Responses, model: str, reasoning: Body | None, tokens: int | None
) -> None:
    body: Body = {"model": model} | ({"reasoning": reasoning} if reasoning else {})
    response = responses.create(body)
    expected = ["message"] if tokens is None else ["reasoning", "message"]
    assert types(response["output"]) == expected
    assert response["usage"]["output_tokens_details"] == {"reasoning_tokens": tokens or 0}
    if tokens is not None:
        assert list(response["output"][0]) == ["id", "type", "content", "summary"]


def test_encrypted_reasoning_is_included_on_request(responses: Responses) -> None:
    body = {"model": "gpt-5-mini", "include": ["reasoning.encrypted_content"], "store": False}
    reasoning, message = responses.items(body)
    assert list(reasoning) == ["id", "type", "content", "encrypted_content", "summary"]
    token = base64.urlsafe_b64decode(reasoning["encrypted_content"])
    assert (reasoning["encrypted_content"][:7], token[0]) == ("gAAAAAB", 0x80)
    again = {
        "input": [{"role": "user", "content": "Hi."}, reasoning, message, {"role": "user", "content": "So?"}]
    }
    assert responses.text(body | again) == "You wrote: So?"


def test_encrypted_reasoning_is_another_text_in_each_event(responses: Responses) -> None:
    body = {"model": "gpt-5-mini", "include": ["reasoning.encrypted_content"]}
    events = responses.stream(body)
    items = [event["item"] for event in events if event.get("item", {}).get("type") == "reasoning"]
    items += events[-1]["response"]["output"][:1]
    assert len({item["encrypted_content"] for item in items}) == len(items) == 3


@pytest.mark.parametrize(("kind", "parts"), [("auto", 2), ("detailed", 2), ("concise", 1)])
def test_a_summary_is_streamed_in_its_parts(responses: Responses, kind: str, parts: int) -> None:
    events = responses.stream({"model": "gpt-5-mini", "reasoning": {"summary": kind}})
    summary = events[-1]["response"]["output"][0]["summary"]
    assert len(summary) == parts
    for place, part in enumerate(summary):
        own = [each for each in events if each.get("summary_index") == place]
        assert [own[0]["type"], own[-1]["type"]] == [
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_part.done",
        ]
        deltas = [each["delta"] for each in own if "delta" in each]
        assert "".join(deltas) == part["text"]
        assert len(deltas) > 3
    assert events[-1]["response"]["reasoning"]["summary"] == ("concise" if kind == "concise" else "detailed")


def test_the_commands_for_a_shell_are_streamed(
    server: MockServer, api_key: str, responses: Responses
) -> None:
    commands = ["ls -l /tmp", "pwd"]
    item = {"type": "shell_call", "action": {"commands": commands, "timeout_ms": None}}
    server.account(api_key).on_response().reply(items=[item])
    events = responses.stream({"model": "gpt-5.4"})
    assert events[2]["item"]["action"]["commands"] == []
    for place, command in enumerate(commands):
        own = [each for each in events if each.get("command_index") == place]
        added, *deltas, done = own
        assert (added["type"], added["command"]) == ("response.shell_call_command.added", "")
        assert "".join(each["delta"] for each in deltas) == command
        assert (done["type"], done["command"]) == ("response.shell_call_command.done", command)
    assert events[-2]["item"]["action"]["commands"] == commands


def test_reasoning_can_use_up_the_limit(responses: Responses) -> None:
    response = responses.create({"model": "gpt-5-mini", "max_output_tokens": 100})
    assert types(response["output"]) == ["reasoning"]
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["usage"]["output_tokens"] == 100
    assert response["usage"]["output_tokens_details"] == {"reasoning_tokens": 100}


def test_several_functions_are_called_one_after_the_other(responses: Responses) -> None:
    body = {"input": "The time and the weather?", "tools": [FUNCTION, TIME]}
    events = responses.stream(body)
    indices = [event["output_index"] for event in events if "output_index" in event]
    assert indices == sorted(indices)
    assert types(events[-1]["response"]["output"]) == ["function_call", "function_call"]
    assert types(responses.items(body | {"parallel_tool_calls": False})) == ["function_call"]


def test_a_call_is_cut_to_the_limit(responses: Responses) -> None:
    body = {"input": "The weather? " * 30, "tools": [FUNCTION], "max_output_tokens": 20}
    response = responses.create(body)
    (call,) = response["output"]
    assert response["status"] == call["status"] == "incomplete"
    assert call["arguments"].startswith('{"city":"The')
    assert not call["arguments"].endswith("}")
    assert response["usage"]["output_tokens"] == 20


def test_a_custom_tool_gets_a_text(responses: Responses) -> None:
    tool = {"type": "custom", "name": "run_sql"}
    (call,) = responses.items(
        {"model": "gpt-5.4", "input": "Run it.", "tools": [tool]} | {"tool_choice": "required"}
    )
    assert list(call) == ["id", "type", "status", "call_id", "input", "name"]
    assert (call["type"], call["input"]) == ("custom_tool_call", "Run it.")
    output = {"type": "custom_tool_call_output", "call_id": call["call_id"], "output": "7 rows"}
    question = {"role": "user", "content": "Run it."}
    answer = responses.text({"model": "gpt-5.4", "input": [question, call, output], "tools": [tool]})
    assert answer == "The tool answered: 7 rows"


@pytest.mark.parametrize("kind", ["text", "json_object", "json_schema"])
def test_texts_have_their_format(responses: Responses, kind: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 7}}, "required": ["n"]}
    given: Body = {"type": kind}
    if kind == "json_schema":
        given |= {"name": "n", "schema": schema, "strict": False}
    text = responses.text({"input": "JSON, please.", "text": {"format": given}})
    if kind == "json_schema":
        assert json.loads(text)["n"] >= 7
    elif kind == "json_object":
        assert isinstance(json.loads(text), dict)


def test_log_probabilities_are_included_on_request(responses: Responses) -> None:
    body = {"include": ["message.output_text.logprobs"], "top_logprobs": 2}
    events = responses.stream(body)
    deltas = [event for event in events if event["type"] == "response.output_text.delta"]
    (part,) = events[-1]["response"]["output"][0]["content"]
    assert [entry for delta in deltas for entry in delta["logprobs"]] == part["logprobs"]
    assert "".join(entry["token"] for entry in part["logprobs"]) == part["text"]
    assert {len(entry["top_logprobs"]) for entry in part["logprobs"]} == {2}


HOSTED: dict[str, Body] = {
    "web_search": {},
    "file_search": {"vector_store_ids": ["vs_1"]},
    "code_interpreter": {"container": {"type": "auto"}},
    "image_generation": {},
    "mcp": {
        "server_label": "wiki",
        "server_url": "https://wiki.example.com/mcp",
        "server_description": "Pages.",
    },
    "computer": {},
    "local_shell": {},
    "shell": {},
    "apply_patch": {},
}


@pytest.mark.parametrize("kind", HOSTED)
def test_what_built_in_tools_do_is_made_up_and_says_so(responses: Responses, kind: str) -> None:
    tool = {"type": kind} | HOSTED[kind]
    body = {"model": "gpt-5.4", "input": "Look it up.", "tools": [tool], "tool_choice": "required"}
    events = responses.stream(body)
    output = events[-1]["response"]["output"]
    row = built_in_tools()[kind]
    assert row.item in types(output)
    if row.runs == "client":
        assert types(output) == [row.item]
        assert output[0]["call_id"].startswith("call_")
    else:
        assert output[-1]["content"][0]["text"].startswith("This answer is made up")


def test_a_built_in_tool_is_used_when_the_user_mentions_it(responses: Responses) -> None:
    body = {"input": "Search for cats.", "tools": [{"type": "web_search"}]}
    search, message = responses.items(body)
    assert search["action"] == {
        "type": "search",
        "queries": ["Search for cats."],
        "query": "Search for cats.",
    }
    (part,) = message["content"]
    (citation,) = part["annotations"]
    cited = part["text"][citation["start_index"] : citation["end_index"]]
    assert cited == "([example.com](https://example.com/))"
    assert responses.create(body)["tool_usage"]["web_search"] == {"num_requests": 1}
    assert types(responses.items(body | {"input": "Hello."})) == ["message"]
    sources = responses.items(body | {"include": ["web_search_call.action.sources"]})[0]["action"]["sources"]
    assert sources == [{"type": "url", "url": "https://example.com/"}]


def test_the_calls_of_built_in_tools_can_be_limited(responses: Responses) -> None:
    tools = [{"type": "web_search"}, {"type": "file_search", "vector_store_ids": ["vs_1"]}]
    body = {"input": "Search the web and the file.", "tools": tools}
    assert types(responses.items(body)) == ["web_search_call", "file_search_call", "message"]
    assert types(responses.items(body | {"max_tool_calls": 1})) == ["web_search_call", "message"]


def test_a_citation_comes_after_its_text(responses: Responses) -> None:
    events = responses.stream({"input": "Search!", "tools": [{"type": "web_search"}]})
    names = [event["type"].removeprefix("response.") for event in events]
    place = names.index("output_text.annotation.added")
    assert set(names[place - 3 : place]) == {"output_text.delta"}
    assert names[4:7] == ["web_search_call.searching", "web_search_call.completed", "output_item.done"]


def test_a_stub_gives_items_which_are_completed(
    server: MockServer, api_key: str, responses: Responses
) -> None:
    given: list[dict[str, Any]] = [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"type": "web_search_call", "action": {"type": "open_page", "url": "https://example.com/"}},
        {"type": "message", "content": "I searched."},
        {"content": [{"type": "refusal", "refusal": "No, I can't."}]},
        {"type": "function_call", "name": "add", "arguments": {"a": 1}},
        {"type": "something_new", "zeta": 1, "alpha": 2},
    ]
    server.account(api_key).on_response().reply(items=given)
    answer = responses.post({"model": "gpt-5.4", "input": "Hi."})
    output = json.loads(answer.body)["output"]
    assert types(output) == [
        "reasoning",
        "web_search_call",
        "message",
        "message",
        "function_call",
        "something_new",
    ]
    assert output[1] | {"id": ""} == {"id": "", "type": "web_search_call", "status": "completed"} | given[1]
    assert list(output[2]) == ["id", "type", "status", "content", "phase", "role"]
    assert output[2]["content"] == [
        {"type": "output_text", "annotations": [], "logprobs": [], "text": "I searched."}
    ]
    assert output[4]["arguments"] == '{"a":1}'
    assert output[4]["call_id"].startswith("call_")
    assert list(output[5]) == ["id", "type", "alpha", "zeta"]


def test_a_scripted_refusal_is_streamed(server: MockServer, api_key: str, responses: Responses) -> None:
    api = server.account(api_key)
    api.on_response().reply(items=[{"content": [{"type": "refusal", "refusal": "I can't."}]}])
    names = [event["type"].removeprefix("response.") for event in responses.stream({})]
    assert names[3:5] == ["content_part.added", "refusal.delta"]
    assert names[-4:] == ["refusal.done", "content_part.done", "output_item.done", "completed"]


@pytest.mark.parametrize(
    ("finish_reason", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")]
)
def test_a_stub_makes_a_response_incomplete(
    server: MockServer, api_key: str, responses: Responses, finish_reason: Any, reason: str
) -> None:
    server.account(api_key).on_response().say("It was", finish_reason=finish_reason)
    response = responses.create({})
    assert (response["status"], response["incomplete_details"]) == ("incomplete", {"reason": reason})


def test_a_text_before_calls_is_commentary(server: MockServer, api_key: str, responses: Responses) -> None:
    server.account(api_key).on_response().say("One moment.", tool_calls=[{"name": "add"}])
    message, call = responses.items({"model": "gpt-5.4"})
    assert (message["phase"], call["type"]) == ("commentary", "function_call")


def test_scripted_reasoning_keeps_its_encrypted_text(
    server: MockServer, api_key: str, responses: Responses
) -> None:
    item: Body = {"type": "reasoning", "encrypted_content": "gAAAAAB", "summary": [{"text": "Hm."}]}
    server.account(api_key).on_response().reply(items=[item])
    events = responses.stream({"model": "gpt-5.4", "include": ["reasoning.encrypted_content"]})
    shown = [event["item"]["encrypted_content"] for event in events if "item" in event]
    assert shown == ["gAAAAAB", "gAAAAAB"]


@pytest.mark.parametrize(
    "item",
    [
        {"content": 7},
        {"content": ["text"]},
        {"type": 7},
        {"type": "reasoning", "summary": "text"},
        {"type": "function_call", "arguments": 7},
        {"content": [{"text": "a", "annotations": [{"end_index": "b"}]}]},
    ],
)
def test_items_of_a_stub_have_the_right_types(server: MockServer, api_key: str, item: Body) -> None:
    with pytest.raises(ValueError, match="items"):
        server.account(api_key).on_response().reply(items=[item])


def test_items_of_a_stub_can_be_templates(server: MockServer, api_key: str, responses: Responses) -> None:
    api = server.account(api_key)
    api.on_response().reply(items=[{"content": "You said {{ user_text }}"}], template=True)
    assert responses.text({"input": "Hi."}) == "You said Hi."
