"""Many different requests at once are answered as they are one by one, byte for byte."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse, multipart

Clip = tuple[str, bytes]
Send = Callable[..., RawResponse]
Request = tuple[str, str, bytes, dict[str, str]]  # method, path, body, headers

VARYING = (
    *("x-request-id", "cf-ray", "openai-processing-ms", "date"),
    *("x-ratelimit-remaining-", "x-ratelimit-reset-"),
)


@pytest.fixture
def mixture(hello: Clip, call: Clip, silence: Clip) -> list[Request]:
    """Return thirty-two requests, no two alike."""
    return [
        *transcriptions(hello, call, silence),
        *speeches(),
        ("GET", "/v1/models", b"", {}),
        ("GET", "/v1/models/whisper-1", b"", {}),
        ("GET", "/v1/models/nobody", b"", {}),
        ("GET", "/nowhere", b"", {}),
        ("GET", "/v1/audio/speech", b"", {}),
        ("POST", "/v1/audio/speech", b"{", {"Content-Type": "application/json"}),
        ("POST", "/v1/audio/speech", b"{}", {"Content-Type": "application/json"}),
        ("POST", "/v1/audio/transcriptions", b"", {}),
    ]


def transcriptions(hello: Clip, call: Clip, silence: Clip) -> Iterator[Request]:
    asked: list[tuple[Clip, dict[str, str]]] = [
        *(
            (hello, {"model": "whisper-1", "response_format": each})
            for each in ("json", "text", "srt", "vtt")
        ),
        (call, {"model": "whisper-1", "response_format": "verbose_json"}),
        (
            call,
            {"model": "whisper-1", "response_format": "verbose_json", "timestamp_granularities[]": "word"},
        ),
        (hello, {"model": "gpt-4o-transcribe", "include[]": "logprobs"}),
        (hello, {"model": "gpt-4o-mini-transcribe", "stream": "true"}),
        (call, {"model": "gpt-4o-transcribe", "stream": "true", "include[]": "logprobs"}),
        (call, {"model": "gpt-4o-transcribe-diarize", "response_format": "diarized_json"}),
        (call, {"model": "gpt-4o-transcribe-diarize", "response_format": "diarized_json", "stream": "true"}),
        (silence, {"model": "gpt-transcribe"}),
        (silence, {"model": "whisper-1", "language": "klingon"}),
        (("text.wav", b"no sound at all"), {"model": "whisper-1"}),
        (hello, {"model": "nobody"}),
    ]
    for clip, fields in asked:
        yield ("POST", "/v1/audio/transcriptions", *multipart(list(fields.items()), clip))


def speeches() -> Iterator[Request]:
    asked: list[dict[str, Any]] = [
        *(
            {"voice": "alloy", "response_format": each}
            for each in ("mp3", "opus", "aac", "flac", "wav", "pcm")
        ),
        {"voice": "echo", "speed": 3.5},
        {"voice": "sage", "stream_format": "sse"},
        {"voice": "nobody"},
    ]
    for changes in asked:
        body = {"model": "gpt-4o-mini-tts", "input": "The same words for everyone.", **changes}
        yield "POST", "/v1/audio/speech", json.dumps(body).encode(), {"Content-Type": "application/json"}


def unvarying(response: RawResponse) -> tuple[int, dict[str, str], bytes]:
    headers = {name: value for name, value in response.headers.items() if not name.startswith(VARYING)}
    return response.status, headers, response.body


def test_answers_at_once_are_the_answers_one_by_one(send: Send, mixture: list[Request]) -> None:
    def answer(request: Request) -> tuple[int, dict[str, str], bytes]:
        return unvarying(send(*request))

    one_by_one = [answer(request) for request in mixture]
    shuffled = list(zip(mixture * 3, one_by_one * 3, strict=True))
    random.Random(7).shuffle(shuffled)
    with ThreadPoolExecutor(len(mixture)) as clients:
        at_once = list(clients.map(answer, (request for request, _ in shuffled)))
    assert len(mixture) == 32
    assert at_once == [expected for _, expected in shuffled]


async def ask_asynchronously(base_url: str, clips: list[Clip]) -> list[str]:
    async with openai.AsyncOpenAI(base_url=base_url, api_key="sk-mock-me", max_retries=0) as client:

        async def whole(clip: Clip) -> str:
            return (await client.audio.transcriptions.create(model="whisper-1", file=clip)).text

        async def streamed(clip: Clip) -> str:
            events = await client.audio.transcriptions.create(
                model="gpt-4o-transcribe", file=clip, stream=True
            )
            return "".join([getattr(event, "delta", "") async for event in events])

        async def there_and_back(number: int) -> str:
            text = f"This is the number {number}."
            speech = await client.audio.speech.create(model="tts-1", voice="nova", input=text)
            return await whole(("speech.mp3", speech.content))

        return await asyncio.gather(
            *(ask(clip) for clip in clips for ask in (whole, streamed) for _ in range(6)),
            *(there_and_back(number) for number in range(8)),
        )


def test_the_asynchronous_sdk_may_ask_for_everything_at_once(
    server: MockServer, hello: Clip, call: Clip
) -> None:
    answers = asyncio.run(ask_asynchronously(server.base_url, [hello, call]))
    (hello_text,) = set(answers[:12])
    (call_text,) = set(answers[12:24])
    assert hello_text == "Hello world, this is a test."
    assert call_text != hello_text
    assert answers[24:] == [f"This is the number {number}." for number in range(8)]


@pytest.mark.slow
def test_whisper_hears_the_same_every_time(whisper_server: MockServer) -> None:
    passage = "Good morning. Please call me back tomorrow at nine. Thank you for your help. What time is it?"
    with openai.OpenAI(base_url=whisper_server.base_url, api_key="sk-mock-me", max_retries=0) as client:
        speech = client.audio.speech.create(
            model="gpt-4o-mini-tts", voice="coral", input=passage, response_format="wav"
        ).content

        def transcript(_: int) -> str:
            return client.audio.transcriptions.create(model="whisper-1", file=("all.wav", speech)).text

        with ThreadPoolExecutor(4) as clients:
            transcripts = set(clients.map(transcript, range(4)))
    assert len(transcripts) == 1
    assert "" not in transcripts


@pytest.mark.slow
def test_accounts_at_once_do_not_mix(server: MockServer) -> None:
    def organization(key: str) -> str:
        with openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0) as client:
            return client.files.with_raw_response.list().headers["openai-organization"]

    keys = [f"sk-mock-me-{number % 8}" for number in range(64)]
    with ThreadPoolExecutor(16) as clients:
        organizations = list(clients.map(organization, keys))
    assert len(set(zip(keys, organizations, strict=True))) == len(set(organizations)) == 8


def test_one_seed_gives_the_same_ids_in_the_same_order() -> None:
    def ids() -> list[str]:
        settings = Settings(port=0, whisper_model="none", seed="seven", log_level="error")
        with (
            MockServer(settings) as seeded,
            openai.OpenAI(base_url=seeded.base_url, api_key="sk-mock-me") as client,
        ):
            return [client.models.with_raw_response.list().headers["x-request-id"] for _ in range(3)]

    first = ids()
    assert first == ids()
    assert len(set(first)) == 3
