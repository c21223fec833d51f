"""The form of chats on Azure, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

from mockserver.testing.audio_api import AudioApi
from tests.conftest import DATA
from tests.providers.azure.conftest import Post, chat_path, hello

SAFE = {"filtered": False, "severity": "safe"}
PROMPT = {
    "hate": SAFE,
    "jailbreak": {"filtered": False, "detected": False},
    "self_harm": SAFE,
    "sexual": SAFE,
    "violence": SAFE,
}
ANSWER = dict.fromkeys(("hate", "self_harm", "sexual", "violence"), SAFE)
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get weather",
        "parameters": {
            "type": "object",
            "properties": {"location": {"type": "string"}},
            "required": ["location"],
        },
    },
}


def paths(value: Any, place: str = "") -> list[tuple[str, list[str]]]:
    """Return the names of the members of every object, in order, by place."""
    found = [(place, list(value))] if isinstance(value, dict) else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, each in items:
        found += paths(each, f"{place}/{name}")
    return found


def chunks(body: str) -> list[Any]:
    """Return the payloads of a stream, ``[DONE]`` as text."""
    events = [event.removeprefix("data: ") for event in body.split("\n\n") if event]
    return [each if each == "[DONE]" else json.loads(each) for each in events]


def test_a_tool_call_has_the_recorded_form(api: AudioApi, post: Post) -> None:
    recorded = json.loads((DATA / "recorded" / "azure_tool_call.json").read_text("utf-8"))
    api.on_chat().call_tool("get_weather", location="London")
    response = post(chat_path("gpt-4.1"), hello("Weather?", tools=[WEATHER], tool_choice="auto"))
    assert paths(response.json()) == paths(recorded)
    assert response.json()["choices"][0]["content_filter_results"] == {}
    assert response.json()["prompt_filter_results"] == recorded["prompt_filter_results"]
    assert response.json()["model"] == "gpt-4.1-2025-04-14"


def test_json_is_compact_and_ends_with_a_line_feed(post: Post) -> None:
    content = post(chat_path(), hello("Grüße \N{GRINNING FACE}")).content
    rewritten = json.dumps(json.loads(content), ensure_ascii=False, separators=(",", ":"))
    assert content == rewritten.encode() + b"\n"


def test_members_are_in_alphabetical_order(post: Post) -> None:
    answer = post(chat_path(), hello(logprobs=True, top_logprobs=1)).json()
    assert all(names == sorted(names) for place, names in paths(answer) if "filter_results" not in place)
    assert answer["choices"][0]["content_filter_results"] == ANSWER
    assert answer["prompt_filter_results"] == [{"prompt_index": 0, "content_filter_results": PROMPT}]
    assert answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]
    assert "service_tier" not in answer


def test_the_model_is_not_the_deployment(post: Post) -> None:
    assert post(chat_path("prod"), hello(model="whisper-1")).json()["model"] == "gpt-4o-mini-2024-07-18"


def test_a_stream_begins_with_an_empty_chunk(post: Post) -> None:
    response = post(chat_path(), hello(stream=True, stream_options={"include_usage": True}))
    first, *others, usage, done = chunks(response.text)
    head = {"choices": [], "created": 0, "id": "", "model": "", "object": ""}
    results = [{"prompt_index": 0, "content_filter_results": PROMPT}]
    assert first == {**head, "prompt_filter_results": results}
    assert list(first) == [*head, "prompt_filter_results"]
    assert done == "[DONE]"
    assert (usage["choices"], usage["usage"]["prompt_tokens"]) == ([], 8)
    role, *words, end = (each["choices"][0] for each in others)
    assert (role["delta"]["role"], role["content_filter_results"]) == ("assistant", {})
    assert "".join(each["delta"]["content"] for each in words) == "You wrote: Hi."
    assert all(each["content_filter_results"] == ANSWER for each in words)
    assert (end["finish_reason"], end["content_filter_results"]) == ("stop", {})
    assert all(list(each) == sorted(each) for each in others)
    assert "\r" not in response.text


def test_a_streamed_call_is_not_filtered(api: AudioApi, post: Post) -> None:
    api.on_chat().call_tool("get_weather", location="London")
    response = post(chat_path(), hello("Weather?", stream=True, tools=[WEATHER]))
    _, *others, _ = chunks(response.text)
    assert {
        json.dumps(choice["content_filter_results"]) for each in others for choice in each["choices"]
    } == {"{}"}
    pieces = [
        call["function"].get("arguments", "")
        for each in others
        for call in each["choices"][0]["delta"].get("tool_calls", ())
    ]
    assert json.loads("".join(pieces)) == {"location": "London"}


def test_a_raw_body_of_a_stub_stays_as_it_is(api: AudioApi, post: Post) -> None:
    api.on_chat().reply_json({"mine": 1})
    assert post(chat_path()).json() == {"mine": 1}


def test_usage_and_costs_are_those_of_the_model(api: AudioApi, post: Post) -> None:
    post(chat_path("prod"), hello(stream=True))
    (entry,) = api.journal
    assert entry["usage"]["prompt_tokens"] == 8
    assert entry["model"] == "prod"
    assert entry["endpoint"] == "chat"
    assert entry["path"] == "/openai/deployments/prod/chat/completions"
