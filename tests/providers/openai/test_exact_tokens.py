"""Streams, log probabilities and usage by the tokens of each model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import openai
import pytest
from openai.types.audio import TranscriptionTextDeltaEvent, TranscriptionTextDoneEvent

from mockserver import MockServer
from mockserver.wire import tokens
from tests.conftest import RawResponse
from tests.providers.openai.conftest import Chat, text

Clip = tuple[str, bytes]

FAMILY = "Hi 👩‍👩‍👧 日本語!"
PIECES = ["Hi", " 👩", "\u200d", "👩", "\u200d", "👧", " 日本", "語", "!"]


@pytest.fixture
def says_family(server: MockServer, api_key: str) -> None:
    api = server.account(api_key)
    api.on_chat().reply(FAMILY)
    api.on_transcription().reply(FAMILY)


@pytest.mark.usefixtures("says_family")
class TestCharactersOfSeveralTokens:
    def test_a_delta_of_a_chat_holds_whole_characters(self, chat: Chat) -> None:
        chunks = chat.stream(text("Who?"))
        texts = [chunk["choices"][0]["delta"].get("content") for chunk in chunks]
        assert [each for each in texts if each] == PIECES

    def test_its_log_probabilities_are_those_of_each_token(self, chat: Chat) -> None:
        chunks = chat.stream(text("Who?", logprobs=True))
        (woman,) = (chunk for chunk in chunks if chunk["choices"][0]["delta"].get("content") == " 👩")
        logprobs = woman["choices"][0]["logprobs"]["content"]
        assert [(each["token"], bytes(each["bytes"])) for each in logprobs] == [
            (r" \xf0\x9f\x91", b" \xf0\x9f\x91"),
            (r"\xa9", b"\xa9"),
        ]

    def test_the_bytes_of_all_tokens_are_the_text(self, chat: Chat) -> None:
        completion = chat.complete(text("Who?", logprobs=True, top_logprobs=2))
        logprobs = completion["choices"][0]["logprobs"]["content"]
        assert bytes(byte for each in logprobs for byte in each["bytes"]).decode() == FAMILY
        assert len(logprobs) == completion["usage"]["completion_tokens"] == tokens.count(FAMILY)

    def test_a_delta_of_a_transcript_holds_whole_characters(self, client: openai.OpenAI, hello: Clip) -> None:
        *events, done = client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=hello, stream=True, include=["logprobs"]
        )
        deltas = [event for event in events if isinstance(event, TranscriptionTextDeltaEvent)]
        assert [event.delta for event in deltas] == PIECES
        assert isinstance(done, TranscriptionTextDoneEvent)
        logprobs = [each for event in deltas for each in event.logprobs or ()]
        assert bytes(int(byte) for each in logprobs for byte in each.bytes or ()).decode() == FAMILY
        assert [each.token for each in logprobs[:3]] == ["Hi", r" \xf0\x9f\x91", r"\xa9"]
        assert done.usage is not None
        assert done.usage.output_tokens == len(logprobs) + 2

    def test_log_probabilities_of_a_stub_are_kept(
        self, server: MockServer, api_key: str, client: openai.OpenAI, hello: Clip
    ) -> None:
        server.account(api_key).on_transcription().reply(
            logprobs=[{"token": "Foo", "logprob": -0.5}, {"token": "bar", "logprob": -1.5}]
        )
        heard = client.audio.transcriptions.create(
            model="gpt-4o-transcribe", file=hello, include=["logprobs"]
        )
        assert [(each.token, each.logprob) for each in heard.logprobs or ()] == [("Foo", -0.5), ("bar", -1.5)]


def test_arguments_of_a_call_are_streamed_by_their_tokens(
    chat: Chat, server: MockServer, api_key: str
) -> None:
    server.account(api_key).on_chat().reply(tool_calls=[{"name": "greet", "arguments": '{"who":"👩 Ann"}'}])
    tool = {
        "type": "function",
        "function": {"name": "greet", "parameters": {"type": "object", "properties": {}}},
    }
    chunks = chat.stream(text("Greet Ann.", tools=[tool]))
    calls = [call for chunk in chunks for call in chunk["choices"][0]["delta"].get("tool_calls") or ()]
    assert [call["function"]["arguments"] for call in calls] == ["", '{"', "who", '":"', "👩", " Ann", '"}']


def test_token_ids_of_segments_are_those_of_whisper(
    post_audio: Callable[..., RawResponse], hello: Clip
) -> None:
    body: dict[str, Any] = json.loads(
        post_audio(hello, model="whisper-1", response_format="verbose_json").body
    )
    (segment,) = body["segments"]
    begin, *ids, end = segment["tokens"]
    assert ids == [2425, 1002, 11, 341, 307, 257, 1500, 13]
    assert begin == 50_364
    assert end == pytest.approx(50_364 + segment["end"] * 50, abs=1)


@pytest.mark.parametrize(("model", "prompt"), [("gpt-4o", 12), ("gpt-4", 20), ("gpt-3.5-turbo", 20)])
def test_each_family_of_models_has_its_vocabulary(chat: Chat, model: str, prompt: int) -> None:
    """Use Hindi, which has few tokens in the older vocabulary."""
    assert chat.complete(text("नमस्ते दुनिया", model=model))["usage"]["prompt_tokens"] == prompt


LIGHT = """
import sys
sys.modules["splintr"] = None  # as in an installation that leaves it out
import openai
from mockserver import MockServer, Settings
with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as server:
    server.account("sk-mock-light").on_chat().reply("antidisestablishmentarianism")
    client = openai.OpenAI(base_url=server.base_url, api_key="sk-mock-light", max_retries=0)
    messages = [{"role": "user", "content": "Say a long word."}]
    answer = client.chat.completions.create(model="gpt-4o", messages=messages)
    print(answer.usage.prompt_tokens, answer.usage.completion_tokens)
    chunks = client.chat.completions.create(model="gpt-4o", messages=messages, stream=True)
    print([chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content])
"""


@pytest.mark.slow
def test_without_splintr_tokens_are_estimated_and_all_works() -> None:
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["12 4", "['antidise', 'stablish', 'mentaria', 'nism']"], done.stderr
