"""The OpenAI Agents SDK calls the Responses API unless it is switched to chat completions."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Iterator

import agents
import numpy as np
import pytest
from agents import (
    Agent,
    OpenAIConversationsSession,
    Runner,
    WebSearchTool,
    function_tool,
    responses_websocket_session,
)
from agents.voice import AudioInput, SingleAgentVoiceWorkflow, VoicePipeline
from openai.types.responses import ResponseTextDeltaEvent

from mockserver.testing.audio_api import AudioApi
from tests.clients.scenarios import HEARD, HELLO, Forecast, SixScenarios

LOOP = asyncio.new_event_loop()  # one for all: the SDK keeps its connections


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    asyncio.set_event_loop(LOOP)  # `run_sync` takes it
    yield
    asyncio.set_event_loop(None)


class TestResponses(SixScenarios):
    def text(self, prompt: str) -> str:
        return str(Runner.run_sync(Agent("Assistant"), prompt).final_output)

    def stream(self, prompt: str) -> list[str]:
        async def run() -> list[str]:
            running = Runner.run_streamed(Agent("Assistant"), prompt)
            return [
                event.data.delta
                async for event in running.stream_events()
                if event.type == "raw_response_event" and isinstance(event.data, ResponseTextDeltaEvent)
            ]

        return LOOP.run_until_complete(run())

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        cities = []

        @function_tool
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            cities.append(city)
            return f"18 degrees in {city}"

        return cities, Runner.run_sync(Agent("Forecaster", tools=[get_weather]), prompt).final_output

    def forecast(self, prompt: str) -> Forecast:
        found: Forecast = Runner.run_sync(Agent("Forecaster", output_type=Forecast), prompt).final_output
        return found


class TestChat(TestResponses):
    calls = "/v1/chat/completions"

    @pytest.fixture(autouse=True)
    def chat_completions(self) -> Iterator[None]:
        agents.set_default_openai_api("chat_completions")
        yield
        agents.set_default_openai_api("responses")


def test_its_voice_pipeline_hears_answers_and_speaks(audio_api: AudioApi) -> None:
    audio_api.on_response(user_text=HEARD).say("Hello yourself.")
    with wave.open(str(HELLO)) as clip:
        rate, samples = clip.getframerate(), np.frombuffer(clip.readframes(clip.getnframes()), np.int16)

    async def talk() -> int:
        pipeline = VoicePipeline(workflow=SingleAgentVoiceWorkflow(Agent("Assistant")))
        talking = await pipeline.run(AudioInput(samples, frame_rate=rate))
        return sum(
            [len(event.data) async for event in talking.stream() if event.type == "voice_stream_event_audio"]
        )

    assert LOOP.run_until_complete(talk()) > 0
    audio_api.verify_transcription(times=1)
    audio_api.verify_speech(fields={"input": "Hello yourself."}, times=1)


@function_tool
def get_weather(city: str) -> str:
    """Return the weather of a city."""
    return f"18 degrees in {city}"


def test_a_session_keeps_a_streamed_conversation_with_a_tool(audio_api: AudioApi) -> None:
    async def talk() -> tuple[str, str]:
        session = OpenAIConversationsSession()
        agent = Agent("Forecaster", tools=[get_weather])
        first = Runner.run_streamed(agent, "How is the weather in Paris?", session=session)
        async for _ in first.stream_events():
            pass
        second = await Runner.run(agent, "Thanks.", session=session)
        return first.final_output, second.final_output

    first, second = LOOP.run_until_complete(talk())
    assert "18 degrees" in first
    assert second == "You wrote: Thanks."
    audio_api.verify_response(times=3)


def test_a_response_is_continued_and_a_search_is_made_up(audio_api: AudioApi) -> None:
    agent = Agent("Searcher", tools=[WebSearchTool()])
    first = Runner.run_sync(agent, "Search for cats.")
    second = Runner.run_sync(agent, "Thanks.", previous_response_id=first.last_response_id)
    assert second.final_output == "You wrote: Thanks."
    audio_api.verify_response(fields={"previous_response_id": first.last_response_id}, times=1)


def test_responses_over_a_web_socket_run_a_tool_and_go_on(audio_api: AudioApi) -> None:
    async def talk() -> tuple[str, str]:
        agent = Agent("Forecaster", tools=[get_weather])
        async with responses_websocket_session() as session:
            first = session.run_streamed(agent, "How is the weather in Paris?")
            async for _ in first.stream_events():
                pass
            second = await session.run(agent, "Thanks.", previous_response_id=first.last_response_id)
        return first.final_output, second.final_output

    first, second = LOOP.run_until_complete(talk())
    assert "18 degrees" in first
    assert second == "You wrote: Thanks."
    audio_api.verify_response(fields={"stream": True}, times=3)
