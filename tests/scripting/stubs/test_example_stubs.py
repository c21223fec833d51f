"""The stubs in `fixtures/stubs` answer as their names say; a server notices when its stubs change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest

from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.waiting import eventually

EXAMPLES = data_folder("fixtures") / "stubs"

Clip = tuple[str, bytes]


def serving(folder: Path) -> MockServer:
    return MockServer(Settings(port=0, whisper_model="none", log_level="warning", stubs=(str(folder),)))


@pytest.fixture(scope="module")
def scripted() -> Iterator[MockServer]:
    with serving(EXAMPLES) as running:
        yield running


@pytest.fixture
def server(scripted: MockServer) -> MockServer:
    return scripted


def transcript_of(client: openai.OpenAI, name: str, clip: Clip) -> str:
    return client.audio.transcriptions.create(model="whisper-1", file=(name, clip[1])).text


def said(client: openai.OpenAI, example: str, text: str) -> str | None:
    completion = client.chat.completions.create(
        model="gpt-4o-mini", metadata={"example": example}, messages=[{"role": "user", "content": text}]
    )
    return completion.choices[0].message.content


def test_requests_that_ask_for_no_example_are_answered_as_ever(client: openai.OpenAI, hello: Clip) -> None:
    assert transcript_of(client, "hello.wav", hello) == "Hello world, this is a test."


def test_a_text_is_enough(client: openai.OpenAI, hello: Clip) -> None:
    raw = client.audio.transcriptions.with_raw_response.create(
        model="whisper-1", file=("example-meeting-7.wav", hello[1])
    )
    assert raw.parse().text == "Welcome to the meeting. Let us begin."
    assert raw.headers["x-mock-answered-by"] == "stub; id=transcriptions:1"


def test_a_conversation_has_its_speakers(client: openai.OpenAI, call: Clip) -> None:
    transcript = client.audio.transcriptions.create(
        model="gpt-4o-transcribe-diarize",
        file=("example-call.wav", call[1]),
        response_format="diarized_json",
        chunking_strategy="auto",
    )
    assert [(each.speaker, each.text.strip()) for each in transcript.segments] == [
        ("A", "Good morning, how can I help?"),
        ("B", "My order has not come."),
    ]


def test_a_client_that_tries_again_gets_there(server: MockServer, api_key: str, hello: Clip) -> None:
    with openai.OpenAI(base_url=server.base_url, api_key=api_key, max_retries=0) as client:
        for status in (500, 503):
            with pytest.raises(openai.InternalServerError) as refusal:
                transcript_of(client, "example-retry.wav", hello)
            assert refusal.value.status_code == status
        assert transcript_of(client, "example-retry.wav", hello) == "The third time it works."


def test_what_is_said_decides(client: openai.OpenAI) -> None:
    spoken = client.audio.speech.create(
        model="tts-1", voice="alloy", input="This is about order number 42.", response_format="wav"
    ).content
    assert transcript_of(client, "example-order.wav", ("", spoken)) == "Thank you for order 42."


def test_a_tool_is_called(client: openai.OpenAI) -> None:
    completion = client.chat.completions.create(
        model="gpt-4o-mini",
        metadata={"example": "weather"},
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
    )
    (tool_call,) = completion.choices[0].message.tool_calls or []
    assert tool_call.type == "function"
    assert (tool_call.function.name, tool_call.function.arguments) == ("get_weather", '{"city":"Paris"}')


def test_a_conversation_goes_through_states(client: openai.OpenAI) -> None:
    replies = [said(client, "order", text) for text in ("Hello.", "A green tea.", "Hello again.")]
    assert replies == ["What would you like?", "One tea, coming up.", "What would you like?"]


def test_errors_and_bodies_of_any_kind_are_sent(client: openai.OpenAI, server: MockServer) -> None:
    with pytest.raises(openai.RateLimitError) as refusal:
        client.models.list(extra_headers={"x-example": "no-quota"})
    assert refusal.value.code == "insufficient_quota"
    headers = {"Authorization": "Bearer sk-mock-me", "x-example": "not-json"}
    broken = httpx.get(f"{server.base_url}/models", headers=headers)
    assert (broken.status_code, broken.headers["content-type"]) == (502, "text/html")
    assert broken.text == "<html>Bad gateway</html>"


def test_a_server_answers_from_its_files_as_they_are_now(tmp_path: Path, hello: Clip) -> None:
    shutil.copy(EXAMPLES / "transcriptions.yaml", tmp_path)
    with (
        serving(tmp_path) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-mock-me") as client,
    ):
        assert transcript_of(client, "example-meeting.wav", hello).startswith("Welcome")
        (tmp_path / "transcriptions.yaml").write_text("reply: {text: Changed.}")
        assert eventually(lambda: transcript_of(client, "example-meeting.wav", hello) == "Changed.")
