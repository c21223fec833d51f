"""The OpenAI Agents SDK for Python: agents that speak, and streamed transcription of a voice pipeline."""

from __future__ import annotations

import asyncio

import numpy as np
from agents import function_tool
from agents.realtime import RealtimeAgent, RealtimeRunner
from agents.voice import (
    OpenAISTTModel,
    StreamedAudioInput,
    STTModelSettings,
)
from openai import AsyncOpenAI

from mockserver.testing.audio_api import AudioApi
from tests.realtime_clients.conftest import Say

PIECE = 9_600  # bytes, 0.2 seconds


def test_an_agent_hears_and_calls_a_tool(audio_api: AudioApi, say: Say) -> None:
    asked = []

    @function_tool
    def get_weather(city: str) -> str:
        """Return the weather of a city."""
        asked.append(city)
        return "Sunny."

    async def run() -> tuple[list[str], list[str]]:
        kinds, errors = [], []
        agent = RealtimeAgent(name="Forecaster", instructions="Be brief.", tools=[get_weather])
        url = audio_api.base_url.replace("http", "ws", 1) + "/realtime?model=gpt-realtime"
        session = await RealtimeRunner(agent).run(
            model_config={
                "url": url,
                "api_key": audio_api.api_key,
                "initial_model_settings": {"model_name": "gpt-realtime"},
            }
        )
        async with session:
            speech = say("What is the weather in Paris?")
            for start in range(0, len(speech), PIECE):
                await session.send_audio(speech[start : start + PIECE])
            async with asyncio.timeout(30):
                async for event in session:
                    kinds.append(event.type)
                    if event.type == "error":
                        errors.append(str(event.error))
                        break
                    if event.type == "audio_end" and "tool_end" in kinds:
                        break
        return kinds, errors

    kinds, errors = asyncio.run(run())
    assert errors == []
    assert len(asked) == 1
    assert kinds.index("tool_start") < kinds.index("tool_end") < kinds.index("audio")


def test_the_transcription_of_a_voice_pipeline(audio_api: AudioApi, say: Say) -> None:
    async def run() -> str:
        model = OpenAISTTModel("gpt-4o-transcribe", AsyncOpenAI())
        audio = StreamedAudioInput()
        session = await model.create_session(
            audio,
            STTModelSettings(),
            trace_include_sensitive_data=False,
            trace_include_sensitive_audio_data=False,
        )
        speech = np.frombuffer(say("Good morning."), np.int16)
        for start in range(0, len(speech), PIECE // 2):
            await audio.add_audio(speech[start : start + PIECE // 2])
        async with asyncio.timeout(30):
            async for transcript in session.transcribe_turns():
                await session.close()
                return str(transcript)
        return ""

    assert asyncio.run(run()) == "Good morning."
