"""``POST /v1/responses``, as clients see it."""

from __future__ import annotations

import json
import sqlite3
import string
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.responses.conftest import Responses, events_of

WEATHER: dict[str, Any] = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


class Person(pydantic.BaseModel):
    name: str
    age: int


def test_a_text_is_answered(client: openai.OpenAI) -> None:
    response = client.responses.create(model="gpt-4o-mini", input="Hello.")
    assert (response.output_text, response.status, response.model) == (
        "You wrote: Hello.",
        "completed",
        "gpt-4o-mini-2024-07-18",
    )
    assert response.usage
    assert response.usage.total_tokens == response.usage.input_tokens + response.usage.output_tokens


def test_the_sdk_uses_a_tool(client: openai.OpenAI) -> None:
    tools: Any = [WEATHER]
    asked: list[Any] = [{"role": "user", "content": "How is the weather?"}]
    first = client.responses.create(model="gpt-4o", input=asked, tools=tools)
    (call,) = first.output
    assert call.type == "function_call"
    assert set(json.loads(call.arguments)) == {"city"}
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
    asked += [*first.output, result]
    again = client.responses.create(model="gpt-4o", input=asked, tools=tools)
    assert again.output_text == "The tool answered: sunny"
    chained = client.responses.create(
        model="gpt-4o", input=[result], tools=tools, previous_response_id=first.id
    )
    assert chained.output_text == "The tool answered: sunny"


def test_the_sdk_parses_structured_output(client: openai.OpenAI) -> None:
    parsed = client.responses.parse(model="gpt-4o", input="Ann", text_format=Person)
    assert parsed.output_parsed == Person(name="Ann", age=1)
    with client.responses.stream(model="gpt-4o", input="Ann", text_format=Person) as stream:
        assert stream.get_final_response().output_parsed == Person(name="Ann", age=1)


def test_the_sdk_streams(client: openai.OpenAI) -> None:
    with client.responses.stream(model="gpt-5.4", input="How is the weather?", tools=[WEATHER]) as stream:  # type: ignore[list-item]
        pieces = [event.delta for event in stream if event.type == "response.function_call_arguments.delta"]
        (call,) = stream.get_final_response().output
    assert len(pieces) > 3
    assert call.type == "function_call"
    assert "".join(pieces) == call.arguments


def test_the_body_is_indented_and_ascii(responses: Responses) -> None:
    answer = responses.post({"model": "gpt-4o-mini", "input": "Grüße 👋 – so"})
    assert answer.body.startswith(b'{\n  "id": "resp_')
    assert answer.body.endswith(b'"metadata": {}\n}')
    assert b"Gr\\u00fc\\u00dfe \\ud83d\\udc4b \\u2013 so" in answer.body
    assert json.dumps(json.loads(answer.body), indent=2).encode() == answer.body


def test_a_stream_is_utf_8_and_ends_without_done(responses: Responses) -> None:
    answer = responses.post({"model": "gpt-4o-mini", "input": "Grüße", "stream": True})
    assert "Grüße".encode() in answer.body
    assert b"[DONE]" not in answer.body
    assert answer.body.endswith(b"}\n\n")


def test_the_stream_says_the_same_as_the_whole_answer(responses: Responses) -> None:
    body = {"model": "gpt-5.4", "input": "Hello."}
    events = responses.stream(body)
    whole, last = responses.create(body), events[-1]["response"]
    assert whole.pop("billing") == {"payer": "developer"}
    assert list(whole) == list(last)
    changing = ("id", "created_at", "completed_at", "output")
    assert {name: whole[name] for name in whole if name not in changing} == {
        name: last[name] for name in last if name not in changing
    }
    said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert said == last["output"][0]["content"][0]["text"] == "You wrote: Hello."


def test_the_events_of_a_text_have_their_order_and_forms(responses: Responses) -> None:
    created, in_progress, added, part, *deltas, done, part_done, item_done, completed = responses.stream({})
    assert created | {"type": "", "sequence_number": 1} == in_progress | {"type": ""}
    assert {name: created["response"][name] for name in ("status", "output", "usage", "service_tier")} == {
        "status": "in_progress",
        "output": [],
        "usage": None,
        "service_tier": "auto",
    }
    assert added["item"]["content"] == []
    assert part["part"] == {"type": "output_text", "annotations": [], "logprobs": [], "text": ""}
    assert "".join(delta["delta"] for delta in deltas) == done["text"] == part_done["part"]["text"]
    assert item_done["item"] == completed["response"]["output"][0]
    assert completed["response"]["service_tier"] == "default"
    for event in (added, part, *deltas, done, part_done, item_done):
        names = list(event)
        assert names == ["type", *sorted(names[1:])]


def test_deltas_are_filled_up(responses: Responses) -> None:
    body = {"input": "A rather long sentence, with antidisestablishmentarianism."}
    deltas = [event for event in responses.stream(body) if "delta" in event]
    lengths = [len(delta["delta"]) + len(delta["obfuscation"]) for delta in deltas]
    assert {length % 16 for length in lengths} == {0}
    assert set("".join(delta["obfuscation"] for delta in deltas)) <= set(string.ascii_letters + string.digits)
    plain = responses.stream({"stream_options": {"include_obfuscation": False}})
    assert not any("obfuscation" in event for event in plain)


@pytest.mark.parametrize("stream", [False, True])
def test_a_limit_makes_a_response_incomplete(responses: Responses, stream: bool) -> None:
    body = {"input": "a very long text " * 20, "max_output_tokens": 16}
    if stream:
        *_, item_done, last = responses.stream(body)
        assert (item_done["type"], last["type"]) == ("response.output_item.done", "response.incomplete")
        response = last["response"]
    else:
        response = responses.create(body)
    assert response["status"] == response["output"][0]["status"] == "incomplete"
    assert response["incomplete_details"] == {"reason": "max_output_tokens"}
    assert response["completed_at"] is None
    assert response["usage"]["output_tokens"] == 16


def test_an_error_in_mid_stream_ends_it(server: MockServer, api_key: str, responses: Responses) -> None:
    server.account(api_key).break_next("sse_error", after=4, code="rate_limit_exceeded", message="Slow down.")
    body = {"model": "gpt-4o-mini", "input": "Hi.", "stream": True}
    *before, error, failed = events_of(responses.post(body).body)
    assert len(before) == 4
    assert list(error) == ["type", "error", "sequence_number"]
    assert error["error"] == {
        "type": "rate_limit_exceeded",
        "code": "rate_limit_exceeded",
        "message": "Slow down.",
        "param": None,
    }
    assert (failed["type"], failed["sequence_number"]) == ("response.failed", 5)
    assert failed["response"]["status"] == "failed"
    assert failed["response"]["error"] == {"code": "rate_limit_exceeded", "message": "Slow down."}
    assert failed["response"]["id"] == before[0]["response"]["id"]


def test_the_sdk_raises_the_error_in_mid_stream(
    server: MockServer, api_key: str, client: openai.OpenAI
) -> None:
    server.account(api_key).break_next("sse_error", after=5)
    with pytest.raises(openai.APIError, match="The server had an error"):
        list(client.responses.create(model="gpt-4o-mini", input="Hi.", stream=True))


@pytest.mark.parametrize(
    ("model", "tier", "served"),
    [
        ("gpt-4o-mini", "auto", "default"),
        ("gpt-4o-mini", "flex", "flex"),
        ("gpt-5.4", "fast", "priority"),
        ("gpt-6-sol", "priority", "fast"),
    ],
)
def test_the_tier_that_served_is_named(responses: Responses, model: str, tier: str, served: str) -> None:
    assert responses.create({"model": model, "service_tier": tier})["service_tier"] == served


def test_moderation_judges_input_and_output(server: MockServer, api_key: str, responses: Responses) -> None:
    server.account(api_key).on_response().say("No.", flagged={"input": ["violence"]})
    moderation = responses.create({"moderation": {"model": "omni-moderation-latest"}})["moderation"]
    assert {name: result["flagged"] for name, result in moderation.items()} == {
        "input": True,
        "output": False,
    }
    assert moderation["input"]["type"] == "moderation_result"


def test_the_journal_knows_what_was_asked_and_answered(server: MockServer, client: openai.OpenAI) -> None:
    api = server.account(client.api_key)
    client.responses.create(
        model="gpt-4o-mini",
        instructions="Be brief.",
        input=[{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello."}],
    )
    api.verify_response(user_text="Hello.", prompt="Be kind.", times=1)
    (entry,) = api.journal
    assert entry["prompt"] == "Be brief.\nBe kind."
    assert entry["reply"]["text"] == "You wrote: Hello."
    assert entry["usage"]["output_tokens"] > 0


def test_stubs_answer_one_after_another(server: MockServer, client: openai.OpenAI) -> None:
    api = server.account(client.api_key)
    api.on_response(user_text="weather").say("Sunny.").then.call_tool("get_weather", city="Rome")
    first, second = (client.responses.create(model="gpt-4o", input="The weather?") for _ in range(2))
    assert first.output_text == "Sunny."
    (call,) = second.output
    assert call.type == "function_call"
    assert (call.name, call.arguments) == ("get_weather", '{"city":"Rome"}')


def test_scripted_events_have_their_names(server: MockServer, api_key: str, responses: Responses) -> None:
    server.account(api_key).on_response().reply_events([{"type": "response.created", "n": 1}])
    answer = responses.post({"model": "gpt-4o-mini", "input": "Hi.", "stream": True})
    assert answer.body == b'event: response.created\ndata: {"type":"response.created","n":1}\n\n'


def test_a_full_disk_ends_a_stream_with_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(port=0, whisper_model="none", log_level="error", state=str(tmp_path))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with MockServer(settings) as server, openai.OpenAI(base_url=server.base_url, api_key="sk-mock-a") as sdk:
        sdk.responses.create(model="gpt-4o-mini", input="Hi.")
        monkeypatch.setattr("mockserver.state.sqlite.rows.Draft.put", full)
        seen: list[str] = []
        stream = sdk.responses.create(model="gpt-4o-mini", input="Hi.", stream=True)
        with pytest.raises(openai.APIError) as caught:
            seen.extend(event.type for event in stream)
        monkeypatch.undo()
    assert caught.value.code == "server_error"
    assert seen[-1] == "response.output_item.done"


def test_refusals_of_the_gateway_lack_the_header_that_responses_never_have(responses: Responses) -> None:
    for key in ("requests_per_minute=1", "tokens_per_minute=1"):
        for _ in range(2):
            answer = responses.post({"model": "gpt-4o-mini", "input": "Hi."}, x_mock_limits=key)
        assert answer.status == 429
        assert "x-openai-proxy-wasm" not in answer.headers
