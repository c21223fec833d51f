"""Requests for responses: their tokens and limits, other sources of replies, batches."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse
from tests.providers.openai.responses.conftest import Body, Responses


@pytest.mark.parametrize(("model", "charged"), [("gpt-4.1-nano", 33), ("gpt-5.4-nano", 0)])
def test_an_estimate_is_charged_beforehand_as_recorded(
    responses: Responses, model: str, charged: int
) -> None:
    body = {"model": model, "input": [{"role": "user", "content": "Count from 1 to 3"}]}
    headers = responses.post(body).headers
    limit, left = (int(headers[f"x-ratelimit-{name}-tokens"]) for name in ("limit", "remaining"))
    assert limit - left == charged


def test_tools_are_charged_more_beforehand(responses: Responses) -> None:
    tool = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    body: Body = {"model": "gpt-4o", "input": "Hi"}
    plain, with_tool = (
        responses.post(each).headers["x-ratelimit-remaining-tokens"]
        for each in (body, body | {"tools": [tool]})
    )
    assert int(plain) - int(with_tool) > 217 - 19


def test_the_real_usage_is_charged_afterwards() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=1_800_000_000.0)
    with MockServer(settings) as frozen, openai.OpenAI(base_url=frozen.base_url, api_key="sk-mock-a") as sdk:
        raw = sdk.responses.with_raw_response
        first, second = (raw.create(model="gpt-5.4-nano", input="word " * 500) for _ in range(2))
        usage = first.parse().usage
    assert usage
    left = [int(answer.headers["x-ratelimit-remaining-tokens"]) for answer in (first, second)]
    assert left[0] - left[1] == usage.total_tokens


def test_it_costs_what_its_tokens_cost(server: MockServer, api_key: str, responses: Responses) -> None:
    answer = responses.post({"model": "gpt-4o-mini", "input": "Hi."})
    assert answer.headers["x-mock-cost-usd"] == "unknown" or float(answer.headers["x-mock-cost-usd"]) > 0
    (entry,) = server.account(api_key).journal
    assert entry["usage"] == json.loads(answer.body)["usage"]


def test_instructions_and_tools_take_tokens(responses: Responses) -> None:
    tool = {
        "type": "function",
        "name": "f",
        "description": "Does it.",
        "parameters": {"type": "object", "properties": {}},
    }

    def read(body: Body) -> int:
        return int(responses.create(body)["usage"]["input_tokens"])

    assert (
        read({}) < read({"instructions": "Be brief."}) < read({"instructions": "Be brief.", "tools": [tool]})
    )


def test_earlier_items_are_read_again(client: openai.OpenAI) -> None:
    first = client.responses.create(model="gpt-4o", input="Hello there.")
    second = client.responses.create(model="gpt-4o", input="And?", previous_response_id=first.id)
    assert second.usage
    assert first.usage
    assert second.usage.input_tokens > first.usage.input_tokens + first.usage.output_tokens


def test_another_server_gives_the_replies(server: MockServer, api_key: str) -> None:
    api = server.account("sk-mock-reply-from")
    stub = (
        api.on_chat().say("From elsewhere.").then.reply(tool_calls=[{"name": "add", "arguments": {"a": 1}}])
    )
    settings = Settings(port=0, whisper_model="none", log_level="warning", reply_from=server.base_url)
    tool: Any = {"type": "function", "name": "add", "parameters": {"type": "object", "properties": {}}}
    search: Any = {"type": "web_search"}
    with MockServer(settings) as relay, openai.OpenAI(base_url=relay.base_url, api_key=api_key) as sdk:
        first = sdk.responses.create(model="gpt-4o", input="Hi.", instructions="Be brief.")
        second = sdk.responses.create(model="gpt-4o", input="Hi.", tools=[tool, search])
    assert first.output_text == "From elsewhere."
    (call,) = second.output
    assert call.type == "function_call"
    assert stub.used == 2
    asked, with_tools = (entry["request"] for entry in api.journal[-2:])
    assert [message["role"] for message in asked["messages"]] == ["developer", "user"]
    assert [each["function"]["name"] for each in with_tools["tools"]] == ["add"]


def test_an_input_beyond_the_context_window_is_refused_or_truncated(responses: Responses) -> None:
    body = {"model": "gpt-4", "input": "word " * 9_000}
    answer = responses.post(body)
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["param"], error["code"]) == (400, "input", "context_length_exceeded")
    assert responses.create(body | {"truncation": "auto"})["usage"]["input_tokens"] == 8192


def test_batches_call_it(client: openai.OpenAI, server: MockServer) -> None:
    lines = [
        {
            "custom_id": str(number),
            "method": "POST",
            "url": "/v1/responses",
            "body": {"model": "gpt-4o-mini", "input": f"Number {number}."},
        }
        for number in range(2)
    ]
    content = "\n".join(map(json.dumps, lines)).encode()
    file = client.files.create(file=("lines.jsonl", content), purpose="batch")
    batch = client.batches.create(input_file_id=file.id, endpoint="/v1/responses", completion_window="24h")
    server.account(client.api_key).wait_for_response(at_least=2)
    for _ in range(200):
        batch = client.batches.retrieve(batch.id)
        if batch.status == "completed":
            break
    assert batch.output_file_id
    answers = [json.loads(line) for line in client.files.content(batch.output_file_id).text.splitlines()]
    bodies = {answer["custom_id"]: answer["response"]["body"] for answer in answers}
    assert bodies["1"]["output"][0]["content"][0]["text"] == "You wrote: Number 1."


def test_a_schema_that_no_value_satisfies_is_refused(
    send: Callable[..., RawResponse], responses: Responses
) -> None:
    never = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 2, "maximum": 1}},
        "required": ["a"],
    }
    given = {
        "type": "json_schema",
        "name": "n",
        "schema": never | {"additionalProperties": False},
        "strict": True,
    }
    answer = responses.post({"model": "gpt-4o", "input": "Hi", "text": {"format": given}})
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["param"]) == (400, "text.format.schema")
    assert "Invalid schema for response_format 'n'" in error["message"]


@pytest.mark.parametrize(
    ("data", "read"),
    [
        ("data:text/plain;base64,SGVsbG8sIFdvcmxkIQ==", " Hello, World!"),
        ("data:application/json,%7B%22a%22%3A1%7D", ' {"a":1}.'),
        ("data:application/pdf;base64,JVBERi0xLjQK", "."),
        ("data:application/octet-stream;base64,AAEC", "."),
        ("data:text/plain;base64,/w==", "."),
    ],
)
def test_the_text_of_a_file_is_read(responses: Responses, data: str, read: str) -> None:
    file = {"type": "input_file", "filename": "a.txt", "file_data": data}
    body: Body = {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Read this"}, file]}]}
    assert responses.text(body) == f"You wrote: Read this{read}"


def test_the_text_of_a_file_takes_tokens(responses: Responses) -> None:
    def tokens(data: str) -> int:
        parts = [{"type": "input_file", "filename": "a.txt", "file_data": f"data:text/plain,{data}"}]
        usage = responses.create({"input": [{"role": "user", "content": parts}]})["usage"]
        return int(usage["input_tokens"])

    assert tokens("word%20" * 100) - tokens("word") > 90
