"""The official SDKs at the limits: they raise their errors, and their own retry succeeds."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.sdk.node import run_session

Clip = tuple[str, bytes]

ENOUGH = 20  # requests, one of which arrives before the bucket is refilled


@pytest.fixture(scope="module")
def fast_server() -> Iterator[MockServer]:
    """Yield a server whose minute lasts a second, with two requests in it."""
    settings = Settings(
        port=0, whisper_model="none", log_level="warning", time_scale=60, limits="requests_per_minute=2"
    )
    with MockServer(settings) as running:
        yield running


def test_the_free_tier_is_refused_after_three_requests(hello: Clip) -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=1.8e9)
    audio = {"data": base64.b64encode(hello[1]).decode(), "format": "wav"}
    with (
        MockServer(settings) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-mock-free-me", max_retries=0) as client,
    ):

        def ask() -> None:
            client.chat.completions.create(
                model="gpt-4o-mini-audio-preview",
                messages=[{"role": "user", "content": [{"type": "input_audio", "input_audio": audio}]}],  # type: ignore[list-item, misc]
            )

        for _ in range(3):
            ask()
        with pytest.raises(openai.RateLimitError) as refusal:
            ask()
    assert refusal.value.response.headers["retry-after"] == "20"
    assert (refusal.value.type, refusal.value.code) == ("requests", "rate_limit_exceeded")


def test_the_python_sdk_gets_through_by_itself(fast_server: MockServer, hello: Clip) -> None:
    with openai.OpenAI(base_url=fast_server.base_url, api_key="sk-mock-sync") as client:
        transcriptions = client.audio.transcriptions.with_raw_response
        responses = (transcriptions.create(model="whisper-1", file=hello) for _ in range(ENOUGH))
        retries = next((each.retries_taken for each in responses if each.retries_taken), 0)
    assert retries == 1


def test_the_asynchronous_python_sdk_gets_through_by_itself(fast_server: MockServer, hello: Clip) -> None:
    async def retries() -> int:
        async with openai.AsyncOpenAI(base_url=fast_server.base_url, api_key="sk-mock-async") as client:
            transcriptions = client.audio.transcriptions.with_raw_response
            for _ in range(ENOUGH):
                response = await transcriptions.create(model="whisper-1", file=hello)
                if response.retries_taken:
                    return response.retries_taken
        return 0

    assert asyncio.run(retries()) == 1


def test_the_npm_sdk_gets_through_by_itself(fast_server: MockServer) -> None:
    *admitted, refused, retried = run_session("retry.mjs", fast_server)
    assert (set(admitted), refused, retried) == ({200}, 429, 200)
