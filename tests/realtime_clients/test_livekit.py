"""LiveKit's plugin: streamed transcription, and a model that speaks."""

from __future__ import annotations

import asyncio

import pytest
from livekit import rtc
from livekit.agents import stt, utils
from livekit.plugins import openai

from mockserver.testing.audio_api import AudioApi
from tests.realtime_clients.conftest import Say

WITH_TURNS = ["gpt-4o-mini-transcribe", "gpt-4o-transcribe", "whisper-1", "gpt-transcribe"]  # of the server
PIECE = 4_800  # bytes, 0.1 seconds


@pytest.mark.parametrize("model", [*WITH_TURNS, "gpt-realtime-whisper", "gpt-live-transcribe"])
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


def test_a_spoken_answer(audio_api: AudioApi) -> None:
    async def run() -> tuple[str, float]:
        text, seconds = "", 0.0
        async with utils.http_context.open():
            model = openai.realtime.RealtimeModel(
                model="gpt-realtime", base_url=audio_api.base_url, api_key=audio_api.api_key
            )
            session = model.session()
            async with asyncio.timeout(30):
                generation = await session.generate_reply(instructions="Greet the user.")
                async for message in generation.message_stream:
                    async for piece in message.text_stream:
                        text += piece
                    async for frame in message.audio_stream:
                        seconds += frame.duration
            await session.aclose()
            await model.aclose()
        return text, seconds

    text, seconds = asyncio.run(run())
    assert text == "Hello! How can I help you today?"
    assert seconds > 1.0
