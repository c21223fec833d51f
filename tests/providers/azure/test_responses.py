"""The Responses API on Azure."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from mockserver.testing.audio_api import AudioApi
from tests.conftest import DATA
from tests.providers.azure.conftest import PREVIEW, Post
from tests.providers.azure.test_chats import PROMPT, paths
from tests.waiting import eventually

V1 = "/openai/v1/responses"
CLASSIC = f"/openai/responses?api-version={PREVIEW}"
OFFSETS = {"start_offset": 0, "end_offset": 780, "check_offset": 0}
SAFE = {
    "blocked": False,
    "source_type": "prompt",
    "content_filter_raw": [],
    "content_filter_results": {},
    "content_filter_offsets": OFFSETS,
}


def ask(model: str = "prod", **more: Any) -> dict[str, Any]:
    return {"model": model, "input": "Hi", **more}


def events(body: str) -> list[Any]:
    """Return the payloads of a stream."""
    return [json.loads(event.partition("\ndata: ")[2]) for event in body.split("\n\n") if event]


def test_a_response_has_the_recorded_form(api: AudioApi, post: Post) -> None:
    text = (DATA / "recorded" / "azure_response.json").read_text("utf-8")
    recorded = json.loads(text)
    assert json.dumps(recorded, indent=2) == text
    api.on("responses").say("OK")
    body = {
        "model": "gpt-5.6-luna",
        "input": [{"role": "user", "content": "Say OK and nothing else."}],
        "stream": False,
        "store": False,
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "none"},
    }
    response = post(V1, body)
    assert response.status_code == 200
    assert paths(response.json()) == paths(recorded)
    assert response.json()["content_filters"] == recorded["content_filters"]
    assert response.text == json.dumps(response.json(), indent=2)
    assert response.json()["model"] == "gpt-5.6-luna"


@pytest.mark.parametrize("path", [V1, CLASSIC])
def test_stubs_match_what_a_response_continues(api: AudioApi, post: Post, path: str) -> None:
    api.on_response(user_text="weather").call_tool("get_weather", city="Rome").then.say("It is sunny.")
    first = post(path, ask(input="How is the weather?")).json()
    result = {
        "type": "function_call_output",
        "call_id": first["output"][0]["call_id"],
        "output": "sunny",
    }
    second = post(path, ask(input=[result], previous_response_id=first["id"])).json()
    assert second["output"][0]["content"][0]["text"] == "It is sunny."


@pytest.mark.parametrize("path", [V1, CLASSIC])
def test_a_response_names_the_deployment(post: Post, path: str) -> None:
    response = post(path, ask())
    assert response.json()["model"] == "prod"
    assert response.json()["content_filters"] == [SAFE]
    assert "billing" not in response.json()
    headers = {
        "x-ms-served-model": "gpt-4o-mini-2024-07-18",
        "x-ms-aoai-configured-data-retention-days": "30",
        "skip-error-remapping": "true",
        "x-ms-is-spilled-over": "false",
        "azureai-fe-is-streaming": "False",
        "azureai-fe-offer-type": "paygo",
        "x-ratelimit-key": "prod",
        "x-ratelimit-limit-requests": "30000",
        "x-ratelimit-remaining-requests": "29999",
        "x-ratelimit-reset-requests": "0",
        "x-ratelimit-renewalperiod-requests": "60",
        "x-ratelimit-renewalperiod-tokens": "60",
        "x-ratelimit-abusepenalty-active": "False",
    }
    assert headers.items() <= dict(response.headers).items()


def test_a_stream_has_filters_at_its_end(post: Post) -> None:
    response = post(V1, ask(stream=True))
    assert response.headers["azureai-fe-is-streaming"] == "True"
    assert response.headers["x-ratelimit-key"] == "prod"
    found = events(response.text)
    by_type = {event["type"]: event["response"] for event in found if "response" in event}
    assert list(by_type) == ["response.created", "response.in_progress", "response.completed"]
    assert [each["content_filters"] for each in by_type.values()] == [None, None, [SAFE]]
    assert {each["model"] for each in by_type.values()} == {"prod"}
    names = list(by_type["response.completed"])
    assert names.index("content_filters") == names.index("completed_at") + 1
    assert [event["sequence_number"] for event in found] == list(range(len(found)))


def test_a_stored_response_is_shown_and_continued(azure: openai.AzureOpenAI) -> None:
    first = azure.responses.create(model="prod", input="Hi")
    shown = azure.responses.retrieve(first.id)
    assert (shown.model, shown.output_text) == ("prod", "You wrote: Hi.")
    assert shown.model_extra is not None
    assert shown.model_extra["content_filters"][0]["blocked"] is False
    second = azure.responses.create(model="prod", input="And now?", previous_response_id=first.id)
    assert second.previous_response_id == first.id
    azure.responses.delete(first.id)
    with pytest.raises(openai.NotFoundError):
        azure.responses.retrieve(first.id)


def test_a_response_in_the_background(azure_v1: openai.OpenAI) -> None:
    begun = azure_v1.responses.create(model="prod", input="Hi", background=True)
    assert begun.status == "queued"
    assert begun.model_extra is not None
    assert begun.model_extra["content_filters"] is None
    ended = azure_v1.responses.retrieve(begun.id)
    assert ended.model_extra is not None
    assert (ended.status, ended.model_extra["content_filters"][0]["source_type"]) == ("completed", "prompt")


@pytest.mark.parametrize("background", [False, True])
@pytest.mark.parametrize("stream", [False, True])
def test_what_the_filter_found_is_stored(
    api: AudioApi, azure: openai.AzureOpenAI, stream: bool, background: bool
) -> None:
    api.on("responses").say(
        "Something bad.", flagged={"input": {"hate": "low"}, "output": {"violence": "medium"}}
    )
    if stream:
        begun = azure.responses.create(model="prod", input="Hi", stream=True, background=background)
        made = [event.response for event in begun if event.type == "response.incomplete"][-1]
    else:
        made = azure.responses.create(model="prod", input="Hi", background=background)
    assert eventually(lambda: azure.responses.retrieve(made.id).status not in ("queued", "in_progress"))
    for shown in (azure.responses.retrieve(made.id), azure.responses.retrieve(made.id)):
        assert (shown.status, shown.model_extra is None) == ("incomplete", False)
        prompt, completion = (shown.model_extra or {})["content_filters"]
        assert prompt["content_filter_offsets"] == OFFSETS
        assert prompt["content_filter_results"]["hate"] == {"filtered": False, "severity": "low"}
        assert (completion["source_type"], completion["blocked"]) == ("completion", True)
    at_openai = api.client.responses.retrieve(made.id)
    assert "content_filters" not in (at_openai.model_extra or {})


def test_the_headers_are_in_the_recorded_order(post: Post) -> None:
    recorded = [
        "x-ms-aoai-configured-data-retention-days",
        "skip-error-remapping",
        "x-ms-is-spilled-over",
        "x-ratelimit-key",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
        "x-ratelimit-limit-requests",
        "x-ratelimit-renewalperiod-requests",
        "x-ratelimit-abusepenalty-active",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-tokens",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-renewalperiod-tokens",
        "azureai-fe-is-streaming",
        "azureai-fe-offer-type",
        "x-ms-served-model",
        "apim-request-id",
        "strict-transport-security",
        "x-content-type-options",
        "x-ms-region",
    ]
    headers = post(V1, ask("gpt-5.6-luna")).headers
    assert [name for name in headers if name in recorded] == recorded
    assert headers["x-ms-served-model"] == "gpt-5.6-luna-2026-07-09"


@pytest.mark.parametrize("model", [5, None, [], ""])
def test_a_request_without_a_deployment_has_no_headers_of_one(post: Post, model: Any) -> None:
    refused = post(V1, ask(model))
    assert refused.status_code in {400, 404}
    assert not [name for name in refused.headers if name.startswith(("x-ratelimit", "x-ms-served"))]


def test_a_flagged_prompt_is_blocked(api: AudioApi, post: Post) -> None:
    api.on("responses").say("Never said.", flagged={"input": ["hate"]})
    response = post(V1, ask())
    assert (response.status_code, response.json()["error"]["code"]) == (400, "content_filter")
    results = response.json()["error"]["innererror"]["content_filter_result"]
    assert results == PROMPT | {"hate": {"filtered": True, "severity": "high"}}


@pytest.mark.parametrize("stream", [False, True])
def test_a_flagged_answer_is_withheld(api: AudioApi, post: Post, stream: bool) -> None:
    api.on("responses").say("Something bad.", flagged={"output": {"violence": "medium"}})
    response = post(V1, ask(stream=stream))
    answer = events(response.text)[-1]["response"] if stream else response.json()
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})
    prompt, completion = answer["content_filters"]
    assert (prompt["blocked"], completion["blocked"]) == (False, True)
    violence = {"filtered": True, "severity": "medium"}
    assert (completion["source_type"], completion["content_filter_results"]["violence"]) == (
        "completion",
        violence,
    )
    assert "bad" not in response.text


def test_a_limit_is_refused_in_the_newer_words(post: Post) -> None:
    refused = [post(V1, ask("small")) for _ in range(3)][-1]
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "RateLimitReached")


def test_unknown_deployments_are_not_found(post: Post) -> None:
    assert post(V1, ask("nobody")).json()["error"]["code"] == "DeploymentNotFound"


def test_openai_still_names_its_payer(api: AudioApi) -> None:
    answer = api.client.responses.create(model="gpt-4o-mini", input="Hi")
    assert answer.model_extra is not None
    assert answer.model_extra["billing"] == {"payer": "developer"}
    assert "content_filters" not in answer.model_extra
