"""The length of a chat's reply: token limits and stop sequences, of text and of speech."""

from __future__ import annotations

import base64
import itertools
from typing import Any

import openai
import pytest

from mockserver import MockServer
from mockserver.wire import tokens
from tests.providers.openai.conftest import SAY_HELLO, Chat, sound, speech, text, user

Clip = tuple[str, bytes]


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_a_limit_makes_a_text_shorter(chat: Chat, name: str) -> None:
    completion = chat.complete(text("Tell me everything you know.", **{name: 5}))
    (choice,) = completion["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("You wrote: Tell me", "length")
    assert completion["usage"]["completion_tokens"] == 5


@pytest.mark.parametrize("limit", [1, 6, 30, 60])
@pytest.mark.parametrize("audio_format", ["pcm16", "mp3"])
def test_a_limit_makes_speech_shorter(chat: Chat, audio_format: str, limit: int) -> None:
    whole = chat.complete(speech(SAY_HELLO, audio_format=audio_format))
    short = chat.complete(speech(SAY_HELLO, audio_format=audio_format, max_completion_tokens=limit))
    (choice,) = short["choices"]
    audio, whole_audio = (each["choices"][0]["message"]["audio"] for each in (short, whole))
    assert choice["finish_reason"] == "length"
    assert short["usage"]["completion_tokens"] <= limit
    assert len(audio["data"]) < len(whole_audio["data"])
    assert whole_audio["transcript"].startswith(audio["transcript"])
    assert audio["transcript"] != whole_audio["transcript"]


def test_speech_cut_short_says_what_its_transcript_says(chat: Chat, client: openai.OpenAI) -> None:
    audio = chat.message(speech(SAY_HELLO, audio_format="wav", max_tokens=45))["audio"]
    transcription = client.audio.transcriptions.create(
        model="whisper-1", file=("a.wav", base64.b64decode(audio["data"]))
    )
    assert transcription.text == audio["transcript"]


def test_a_limit_that_is_not_reached_changes_nothing(chat: Chat) -> None:
    whole = chat.complete(speech(SAY_HELLO))
    limited = chat.complete(speech(SAY_HELLO, max_tokens=whole["usage"]["completion_tokens"]))
    assert limited["choices"][0]["finish_reason"] == "stop"
    assert (
        limited["choices"][0]["message"]["audio"]["data"] == whole["choices"][0]["message"]["audio"]["data"]
    )


def test_no_reply_is_longer_than_the_model_can_make_it(chat: Chat, hello: Clip) -> None:
    content = [{"type": "text", "text": "word " * 20_000}, sound(hello[1])]
    completion = chat.complete(text(user(content), model="gpt-audio"))
    assert completion["choices"][0]["finish_reason"] == "length"
    assert completion["usage"]["completion_tokens"] == 16_384


@pytest.mark.parametrize("limit", [0, -3])
@pytest.mark.parametrize("make", [text, speech])
def test_strictness_schema_knows_replies_of_no_length(chat: Chat, make: Any, limit: int) -> None:
    completion = chat.complete(make("Hi", max_tokens=limit), x_mock_strictness="schema")
    message = completion["choices"][0]["message"]
    assert (message["content"] or message.get("audio", {}).get("transcript") or "") == ""
    assert completion["choices"][0]["finish_reason"] == "length"
    assert completion["usage"]["completion_tokens"] == 0


@pytest.mark.parametrize("stop", ["you", ["nobody", " know", "you"]])
def test_a_reply_ends_before_the_first_stop(chat: Chat, stop: str | list[str]) -> None:
    (choice,) = chat.complete(text("Tell me what you know.", stop=stop))["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("You wrote: Tell me what ", "stop")


def test_speech_ends_before_the_stop_too(chat: Chat) -> None:
    audio = chat.message(speech(SAY_HELLO, stop=" and"))["audio"]
    assert audio["transcript"] == "You wrote: Say the exact word 'hello'"
    assert len(audio["data"]) < len(chat.message(speech(SAY_HELLO))["audio"]["data"])


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5, 6, 7])
def test_a_limit_cuts_between_tokens_and_keeps_whole_characters(
    chat: Chat, server: MockServer, api_key: str, limit: int
) -> None:
    """Cut a reply of eight tokens: "Hi", two for each woman, two joiners, one for the end of the girl's two."""
    family = "Hi 👩‍👩‍👧"
    server.account(api_key).on_chat().reply(family)
    completion = chat.complete(text("Who?", max_completion_tokens=limit))
    (choice,) = completion["choices"]
    whole = [piece for piece, _ in tokens.whole(itertools.islice(tokens.split(family), limit))]
    assert choice["message"]["content"] == "".join(whole)
    assert (choice["finish_reason"], completion["usage"]["completion_tokens"]) == ("length", limit)


def test_what_a_limit_cut_is_streamed_by_the_tokens_that_are_left(
    chat: Chat, server: MockServer, api_key: str
) -> None:
    """Cut "unbelievably", whose tokens differ from those of its beginning; the counted tokens are sent."""
    server.account(api_key).on_chat().reply("It was unbelievably quiet, " * 3)
    body = text("How was it?", max_completion_tokens=9)
    deltas = [chunk["choices"][0]["delta"].get("content") for chunk in chat.stream(body)]
    assert len([delta for delta in deltas if delta]) == 9
    assert "".join(filter(None, deltas)) == chat.message(body)["content"]


@pytest.mark.parametrize("limit", [8, 12, 14])
def test_a_call_that_is_cut_takes_no_more_than_the_limit(
    chat: Chat, server: MockServer, api_key: str, limit: int
) -> None:
    server.account(api_key).on_chat().call_tool("look_up", city="Reykjavík", days=3)
    tool = {
        "type": "function",
        "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}},
    }
    completion = chat.complete(text("And there?", tools=[tool], max_completion_tokens=limit))
    (choice,) = completion["choices"]
    assert choice["finish_reason"] == "length"
    assert completion["usage"]["completion_tokens"] <= max(limit, 9)
    assert '{"city":"Reykjavík","days":3}'.startswith(
        choice["message"]["tool_calls"][0]["function"]["arguments"]
    )
