"""The official SDK's clients of Azure: what they send, receive, retry and raise."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.conftest import FIXTURES
from tests.providers.azure.conftest import PREVIEW

ASKED: Any = [{"role": "user", "content": "Hi"}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
HELLO = "Hello world, this is a test."


class City(BaseModel):
    name: str
    people: int


@pytest.fixture(params=["classic", "v1"])
def client(request: pytest.FixtureRequest) -> openai.OpenAI:
    """Return a client of the classic paths, and of those below ``/openai/v1``."""
    found: openai.OpenAI = request.getfixturevalue("azure" if request.param == "classic" else "azure_v1")
    return found


def test_a_chat(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="prod", messages=ASKED)
    assert answer.choices[0].message.content == "You wrote: Hi."
    assert answer.model_extra is not None
    assert answer.model_extra["prompt_filter_results"][0]["prompt_index"] == 0


def test_a_streamed_chat(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(model="prod", messages=ASKED, stream=True)
    chunks = list(stream)
    assert not chunks[0].choices
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == "You wrote: Hi."


def test_the_helper_for_streams_gathers_the_answer(client: openai.OpenAI) -> None:
    with client.chat.completions.stream(model="prod", messages=ASKED) as stream:
        stream.until_done()
        message = stream.get_final_completion().choices[0].message
    assert message.content == "You wrote: Hi."


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool(client: openai.OpenAI, stream: bool) -> None:
    asked: Any = [{"role": "user", "content": "Weather in Rome?"}]
    options: Any = {"model": "prod", "tools": [WEATHER], "tool_choice": "required"}
    if stream:
        with client.chat.completions.stream(messages=asked, **options) as events:
            events.until_done()
            called = events.get_final_completion().choices[0].message
    else:
        called = client.chat.completions.create(messages=asked, **options).choices[0].message
    assert called.tool_calls
    (call,) = called.tool_calls
    assert call.type == "function"
    assert set(json.loads(call.function.arguments)) == {"city"}
    sent = {"name": call.function.name, "arguments": call.function.arguments}
    earlier = {"role": "assistant", "tool_calls": [{"id": call.id, "type": "function", "function": sent}]}
    messages = [*asked, earlier, {"role": "tool", "tool_call_id": call.id, "content": "Sun"}]
    answer = client.chat.completions.create(messages=messages, **{**options, "tool_choice": "auto"})
    assert answer.choices[0].message.content == "The tool answered: Sun"


def test_structured_output(client: openai.OpenAI) -> None:
    parsed = client.chat.completions.parse(model="prod", messages=ASKED, response_format=City)
    assert isinstance(parsed.choices[0].message.parsed, City)
    answer = client.responses.parse(model="prod", input="Hi", text_format=City)
    assert isinstance(answer.output_parsed, City)


@pytest.mark.parametrize("model", ["whisper", "ears", "gpt-4o-transcribe"])
def test_a_clip_is_transcribed(client: openai.OpenAI, model: str) -> None:
    with (FIXTURES / "hello.wav").open("rb") as clip:
        assert client.audio.transcriptions.create(model=model, file=clip).text == HELLO


def test_a_transcript_is_streamed(client: openai.OpenAI) -> None:
    clip = (FIXTURES / "hello.wav").read_bytes()
    stream = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=("a.wav", clip), stream=True)
    assert list(stream)[-1].model_dump()["text"] == HELLO


@pytest.mark.parametrize("model", ["tts", "tts-hd", "gpt-4o-mini-tts"])
def test_speech_is_spoken_and_heard(client: openai.OpenAI, model: str) -> None:
    spoken = client.audio.speech.create(model=model, voice="alloy", input="Good day.", response_format="wav")
    heard = client.audio.transcriptions.create(model="whisper", file=("a.wav", spoken.content))
    assert heard.text == "Good day."


def test_embeddings(client: openai.OpenAI) -> None:
    found = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert [len(each.embedding) for each in found.data] == [1536, 1536]


def test_a_completion(client: openai.OpenAI) -> None:
    answer = client.completions.create(model="gpt-35-turbo-instruct", prompt="Hi")
    assert answer.choices[0].text == "You wrote: Hi."
    stream = client.completions.create(model="gpt-35-turbo-instruct", prompt="Hi", stream=True)
    assert "".join(each.choices[0].text for each in stream if each.choices) == "You wrote: Hi."


def test_a_response_is_streamed(client: openai.OpenAI) -> None:
    with client.responses.stream(model="prod", input="Hi") as stream:
        stream.until_done()
        answer = stream.get_final_response()
    assert (answer.output_text, answer.model) == ("You wrote: Hi.", "prod")


def test_files_and_models(client: openai.OpenAI) -> None:
    file = client.files.create(file=("a.jsonl", b"{}"), purpose="batch")
    assert [each.id for each in client.files.list()] == [file.id]
    assert client.files.content(file.id).content == b"{}"
    assert client.files.delete(file.id).deleted
    assert client.models.retrieve("gpt-4o").id == "gpt-4o"


@pytest.mark.parametrize(
    ("model", "raised", "code"),
    [
        ("nobody", openai.NotFoundError, "DeploymentNotFound"),
        ("ears", openai.BadRequestError, "OperationNotSupported"),
    ],
)
def test_errors_have_azures_codes(
    client: openai.OpenAI, model: str, raised: type[openai.APIStatusError], code: str
) -> None:
    with pytest.raises(raised) as refused:
        client.chat.completions.create(model=model, messages=ASKED)
    assert refused.value.code == code
    assert refused.value.request_id == refused.value.response.headers.get("x-request-id")


def test_a_wrong_key(azure_server: MockServer) -> None:
    with (
        openai.AzureOpenAI(
            azure_endpoint=azure_server.url, api_key="sk-mock-invalid-1", api_version=PREVIEW, max_retries=0
        ) as client,
        pytest.raises(openai.AuthenticationError) as refused,
    ):
        client.chat.completions.create(model="prod", messages=ASKED)
    assert refused.value.code == "401"


def test_it_recovers_from_a_limit(client: openai.OpenAI, api: AudioApi) -> None:
    api.fail_next("rate_limit_requests", times=2, retry_after=0.01)
    patient = client.with_options(max_retries=2)
    answer = patient.chat.completions.create(model="prod", messages=ASKED)
    assert answer.choices[0].message.content == "You wrote: Hi."
    assert [entry["status"] for entry in api.journal] == [429, 429, 200]


def test_an_endpoint_with_a_deployment(azure_server: MockServer, api_key: str) -> None:
    with openai.AzureOpenAI(
        azure_endpoint=azure_server.url + "/",
        azure_deployment="prod",
        api_key=api_key,
        api_version=PREVIEW,
        max_retries=0,
    ) as client:
        answer = client.chat.completions.create(model="whatever", messages=ASKED)
        assert answer.model == "gpt-4o-mini-2024-07-18"
        assert client.responses.create(model="prod", input="Hi").output_text == "You wrote: Hi."
        assert list(client.files.list()) == []
    paths = [entry["path"] for entry in azure_server.account(api_key).journal]
    assert "/openai/deployments/prod/chat/completions" in paths


async def _chat(client: openai.AsyncAzureOpenAI) -> None:
    answer = await client.chat.completions.create(model="prod", messages=ASKED)
    assert answer.choices[0].message.content == "You wrote: Hi."


async def _stream(client: openai.AsyncAzureOpenAI) -> None:
    stream = await client.chat.completions.create(model="prod", messages=ASKED, stream=True)
    text = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
    assert "".join(text) == "You wrote: Hi."


async def _transcribe(client: openai.AsyncAzureOpenAI) -> None:
    clip = ("hello.wav", (FIXTURES / "hello.wav").read_bytes())
    assert (await client.audio.transcriptions.create(model="whisper", file=clip)).text == HELLO


async def _speak(client: openai.AsyncAzureOpenAI) -> None:
    async with client.audio.speech.with_streaming_response.create(
        model="tts", voice="alloy", input="Hi.", response_format="wav"
    ) as spoken:
        assert (await spoken.read()).startswith(b"RIFF")


async def _respond(client: openai.AsyncAzureOpenAI) -> None:
    assert (await client.responses.create(model="prod", input="Hi")).output_text == "You wrote: Hi."


@pytest.mark.parametrize("session", [_chat, _stream, _transcribe, _speak, _respond])
def test_the_asynchronous_client(
    azure_server: MockServer, api_key: str, session: Callable[[openai.AsyncAzureOpenAI], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with openai.AsyncAzureOpenAI(
            azure_endpoint=azure_server.url, api_key=api_key, api_version=PREVIEW, max_retries=0
        ) as client:
            await session(client)

    asyncio.run(run())
