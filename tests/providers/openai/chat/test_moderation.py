"""Moderated completions, through the official SDK."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from mockserver.resources import data_folder
from mockserver.testing.audio_api import AudioApi
from mockserver.wire.moderation import CATEGORIES, results
from tests.providers.openai.conftest import Chat, speech, text

MODERATION: dict[str, Any] = {"moderation": {"model": "omni-moderation-latest"}}


def test_nothing_is_moderated_unasked(chat: Chat) -> None:
    assert "moderation" not in chat.complete(text("Hi"))
    assert not any("moderation" in chunk for chunk in chat.stream(text("Hi")))


def test_the_conversation_and_each_choice_are_judged(client: openai.OpenAI) -> None:
    create: Any = client.chat.completions.create
    found = create(**text("Hi", n=2, **MODERATION)).moderation
    assert (found.input.type, found.input.model) == ("moderation_results", "omni-moderation-latest")
    assert [len(side.results) for side in (found.input, found.output)] == [1, 2]
    for result in (*found.input.results, *found.output.results):
        assert not result.flagged
        assert tuple(result.categories) == tuple(result.category_scores) == CATEGORIES
        assert all(0 < score < 0.001 for score in result.category_scores.values())


def test_a_stream_has_it_in_the_last_chunk(chat: Chat) -> None:
    body = speech("Hi", stream_options={"include_usage": True}, **MODERATION)
    *_, usage, moderation, expiry = chat.stream(body)
    assert usage["usage"]
    assert (moderation["choices"], moderation["usage"]) == ([], None)
    assert moderation["moderation"]["output"] == results("omni-moderation-latest", ["You wrote: Hi."])
    assert "expires_at" in expiry["choices"][0]["delta"]["audio"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_stub_says_what_is_flagged(api: AudioApi, chat: Chat, stream: bool) -> None:
    api.on_chat().say("No.", flagged={"input": ["violence", "harassment"]}, finish_reason="content_filter")
    body = text("Shall we fight?", **MODERATION)
    answer = chat.stream(body)[-1] if stream else chat.complete(body)
    (asked,), (said,) = (answer["moderation"][side]["results"] for side in ("input", "output"))
    assert (asked["flagged"], said["flagged"]) == (True, False)
    flagged = [name for name, found in asked["categories"].items() if found]
    assert flagged == ["harassment", "violence"]
    assert [asked["category_scores"][name] > 0.9 for name in (*flagged, "hate")] == [True, True, False]


def test_a_category_that_there_is_not_cannot_be_flagged(api: AudioApi) -> None:
    with pytest.raises(ValueError, match="flagged"):
        api.on_chat().say("No.", flagged={"input": ["rudeness"]})


def test_the_categories_of_stubs_are_those_of_answers() -> None:
    schema = json.loads((data_folder("schemas") / "mock" / "reply.json").read_text("utf-8"))
    assert tuple(schema["$defs"]["category"]["enum"]) == CATEGORIES
