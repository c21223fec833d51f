"""Stubs say what the content filter finds."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from mockserver.providers.azure import content_filter
from mockserver.testing.audio_api import AudioApi
from tests.providers.azure.conftest import Post, chat_path, hello
from tests.providers.azure.test_chats import PROMPT, SAFE, chunks

MESSAGE = (
    "The response was filtered due to the prompt triggering Azure OpenAI's content management policy. Please modify "
    "your prompt and retry. To learn more about our content filtering policies please read our documentation: "
    "https://go.microsoft.com/fwlink/?linkid=2198766"
)
HIGH = {"filtered": True, "severity": "high"}


def refusal(results: dict[str, Any]) -> dict[str, Any]:
    inner = {"code": "ResponsibleAIPolicyViolation", "content_filter_result": results}
    error = {"message": MESSAGE, "type": None, "param": "prompt", "code": "content_filter", "status": 400}
    return {"error": {**error, "innererror": inner}}


@pytest.mark.parametrize("stream", [False, True])
def test_a_flagged_prompt_is_blocked(api: AudioApi, post: Post, stream: bool) -> None:
    stub = api.on_chat().say("Never said.", flagged={"input": ["hate/threatening", "violence"]})
    response = post(chat_path(), hello(stream=stream))
    assert response.status_code == 400
    body = json.dumps(refusal({**PROMPT, "hate": HIGH, "violence": HIGH}), separators=(",", ":"))
    assert response.text == body
    assert response.headers["content-type"] == "application/json"
    assert stub.used == 1
    (entry,) = api.journal
    assert (entry["error"], entry["stub"]) == ("content_filter", stub.id)


@pytest.mark.parametrize(
    ("flagged", "found"),
    [
        ({"hate": "low"}, None),
        ({"hate": "safe"}, None),
        ({"hate": "medium"}, {"hate": {"filtered": True, "severity": "medium"}}),
        ({"harassment": "low", "hate": "high"}, {"hate": HIGH}),
        ({"self_harm": "medium"}, {"self_harm": {"filtered": True, "severity": "medium"}}),
        ({"jailbreak": "high"}, {"jailbreak": {"filtered": True, "detected": True}}),
    ],
)
def test_the_severity_decides(
    api: AudioApi, post: Post, flagged: dict[str, str], found: dict[str, Any] | None
) -> None:
    api.on_chat().say("Fine.", flagged={"input": flagged})
    response = post(chat_path())
    if found is None:
        (results,) = response.json()["prompt_filter_results"]
        assert results["content_filter_results"]["hate"] == {"filtered": False, "severity": flagged["hate"]}
    else:
        assert response.json() == refusal(PROMPT | found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Hi [flag: hate]", {"hate": HIGH}),
        (
            "[flag: violence=medium, self-harm] Hi",
            {"violence": {"filtered": True, "severity": "medium"}, "self_harm": HIGH},
        ),
        ("[flag: jailbreak]", {"jailbreak": {"filtered": True, "detected": True}}),
    ],
)
def test_a_mark_in_the_prompt_blocks_it(post: Post, text: str, found: dict[str, Any]) -> None:
    assert post(chat_path(), hello(text)).json() == refusal(PROMPT | found)


@pytest.mark.parametrize(
    "mark", ["[flag: hate=low]", "[flag: rudeness]", "[flag: hate=extreme]", "flag: hate"]
)
def test_other_marks_do_not(post: Post, mark: str) -> None:
    assert post(chat_path(), hello(f"Hi {mark}")).status_code == 200


def test_a_flagged_answer_is_withheld(api: AudioApi, post: Post) -> None:
    api.on_chat().say("Something bad.", flagged={"output": ["hate"]})
    response = post(chat_path(), hello(n=2))
    assert response.status_code == 200
    for choice in response.json()["choices"]:
        assert (choice["finish_reason"], choice["message"]) == ("content_filter", {"role": "assistant"})
        assert choice["content_filter_results"]["hate"] == HIGH
    assert "bad" not in response.text


def test_a_flagged_answer_is_not_streamed(api: AudioApi, post: Post) -> None:
    api.on_chat().say("Something bad.", flagged={"output": {"violence": "medium"}})
    first, role, end, done = chunks(post(chat_path(), hello(stream=True)).text)
    assert first["prompt_filter_results"]
    assert role["choices"][0]["delta"]["role"] == "assistant"
    assert end["choices"][0]["finish_reason"] == "content_filter"
    assert end["choices"][0]["content_filter_results"]["violence"] == {"filtered": True, "severity": "medium"}
    assert done == "[DONE]"


def test_a_mild_answer_is_marked_only(api: AudioApi, post: Post) -> None:
    api.on_chat().say("Mild.", flagged={"output": {"sexual": "low", "protected_material_text": "safe"}})
    (choice,) = post(chat_path()).json()["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("stop", "Mild.")
    results = choice["content_filter_results"]
    assert results == {
        "hate": SAFE,
        "self_harm": SAFE,
        "sexual": {"filtered": False, "severity": "low"},
        "violence": SAFE,
    }


def test_protected_material_is_detected_in_answers(api: AudioApi, post: Post) -> None:
    api.on_chat().say("A song.", flagged={"output": {"protected_material_text": "high"}})
    (choice,) = post(chat_path()).json()["choices"]
    detected = choice["content_filter_results"]["protected_material_text"]
    assert (choice["finish_reason"], detected) == ("content_filter", {"filtered": True, "detected": True})


def test_the_sdk_sees_the_block(api: AudioApi, azure: openai.AzureOpenAI) -> None:
    api.on_chat().fail("content_filter")
    with pytest.raises(openai.BadRequestError) as refused:
        azure.chat.completions.create(model="prod", messages=[{"role": "user", "content": "Hi"}])
    assert (refused.value.code, refused.value.param) == ("content_filter", "prompt")
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["innererror"]["content_filter_result"] == content_filter.blocked_prompt()


def test_openai_itself_filters_nothing(api: AudioApi) -> None:
    api.on_chat().say("No.", flagged={"input": {"hate": "high", "jailbreak": "high"}, "output": ["hate"]})
    answer = api.client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": "Hi"}],
        extra_body={"moderation": {"model": "omni-moderation-latest"}},
    )
    assert answer.choices[0].message.content == "No."


@pytest.mark.parametrize("flagged", [{"rudeness": "high"}, {"hate": "extreme"}, {"hate": 7}])
def test_other_findings_are_refused(api: AudioApi, flagged: Any) -> None:
    with pytest.raises(ValueError, match="flagged"):
        api.on_chat().say("No.", flagged={"input": flagged})
