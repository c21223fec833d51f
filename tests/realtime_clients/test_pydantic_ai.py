"""Pydantic AI: an agent in a Realtime session."""

from __future__ import annotations

import asyncio
from typing import Any

from pydantic_ai import Agent
from pydantic_ai.messages import SpeechPart
from pydantic_ai.realtime import RealtimeTurnCompleteEvent
from pydantic_ai.realtime.openai import OpenAIRealtimeModel

from mockserver.testing.audio_api import AudioApi
from tests.realtime_clients.conftest import Say

PIECE = 9_600  # bytes, 0.2 seconds


def _spoken(messages: list[Any]) -> list[str]:
    parts = [part for message in messages for part in message.parts]
    return [part.transcript for part in parts if isinstance(part, SpeechPart)]


def test_an_agent_hears_and_answers_with_a_tool(audio_api: AudioApi, say: Say) -> None:
    agent = Agent(instructions="Be brief.")
    asked = []

    @agent.tool_plain
    def get_weather(city: str) -> str:
        """Return the weather of a city."""
        asked.append(city)
        return "Sunny."

    async def run() -> list[str]:
        async with agent.realtime(OpenAIRealtimeModel("gpt-realtime")).session() as session:
            speech = say("What is the weather in Paris?")
            for start in range(0, len(speech), PIECE):
                await session.send_audio(speech[start : start + PIECE])
            async with asyncio.timeout(30):
                async for event in session:
                    if (
                        isinstance(event, RealtimeTurnCompleteEvent)
                        and len(_spoken(session.all_messages())) > 1
                    ):
                        break
            return _spoken(session.all_messages())

    heard, said = asyncio.run(run())
    assert heard == "What is the weather in Paris?"
    assert said == "The tool answered: Sunny."
    assert len(asked) == 1
