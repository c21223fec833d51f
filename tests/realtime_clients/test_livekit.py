"""LiveKit's plugin: streamed transcription."""

from __future__ import annotations

import asyncio

import pytest
from livekit import rtc
from livekit.agents import stt, utils
from livekit.plugins import openai

from mockserver.testing.audio_api import AudioApi
from tests.realtime_clients.conftest import Say

PIECE = 4_800  # bytes, 0.1 seconds


@pytest.mark.parametrize("model", ["gpt-4o-mini-transcribe", "gpt-4o-transcribe", "whisper-1", "gpt-transcribe"])
def test_a_transcript(audio_api: AudioApi, say: Say, model: str) -> None:
    async def run() -> tuple[list[str], str]:
        kinds, transcript = [], ""
        async with utils.http_context.open():
            client = openai.STT(
                model=model, use_realtime=True, base_url=audio_api.base_url, api_key=audio_api.api_key
            )
            stream = client.stream()
            speech = say("What is the weather like in Paris?")
            for start in range(0, len(speech), PIECE):
                piece = speech[start : start + PIECE]
                stream.push_frame(rtc.AudioFrame(piece, 24_000, 1, len(piece) // 2))
            async with asyncio.timeout(30):
                async for event in stream:
                    kinds.append(event.type.value)
                    if event.type == stt.SpeechEventType.FINAL_TRANSCRIPT:
                        transcript = event.alternatives[0].text
                        break
            await stream.aclose()
            await client.aclose()
        return kinds, transcript

    kinds, transcript = asyncio.run(run())
    assert transcript.strip() == "What is the weather like in Paris?"
    assert "start_of_speech" in kinds
