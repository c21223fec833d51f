"""pydantic-ai: `openai:` is the Responses API, `openai-chat:` chat completions.

A run with an output type ends with pydantic-ai's own output tool, under `tool_choice: "required"`.
"""

from __future__ import annotations

import asyncio

from pydantic_ai import Agent, BinaryContent, NativeOutput
from pydantic_ai.models.openai import OpenAIResponsesModelSettings

from mockserver.testing.audio_api import AudioApi
from tests.clients.scenarios import HELLO, Forecast, SixScenarios


class TestResponses(SixScenarios):
    model = "openai:gpt-5.4"

    def text(self, prompt: str) -> str:
        return str(Agent(self.model).run_sync(prompt).output)

    def stream(self, prompt: str) -> list[str]:
        async def run() -> list[str]:
            async with Agent(self.model).run_stream(prompt) as running:
                return [piece async for piece in running.stream_text(delta=True, debounce_by=None)]

        return asyncio.run(run())

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        cities = []
        agent = Agent(self.model)

        @agent.tool_plain
        def get_weather(city: str) -> str:
            cities.append(city)
            return f"18 degrees in {city}"

        return cities, agent.run_sync(prompt).output

    def forecast(self, prompt: str) -> Forecast:
        found: Forecast = Agent(self.model, output_type=NativeOutput(Forecast)).run_sync(prompt).output
        return found

    def test_a_run_with_tools_and_an_output_type_ends(self, audio_api: AudioApi) -> None:
        asked = []
        agent = Agent(self.model, output_type=Forecast)

        @agent.tool_plain
        def get_weather(city: str) -> str:
            asked.append(city)
            return "18 degrees"

        run = agent.run_sync("How is the weather in Paris?")
        assert isinstance(run.output, Forecast)
        assert len(asked) == 1
        audio_api.verify(self.calls, fields={"tool_choice": "required"}, times=2)

    def test_a_conversation_goes_on(self, audio_api: AudioApi) -> None:
        agent = Agent(self.model)
        first = agent.run_sync("How is the weather in Paris?")
        second = agent.run_sync("And in Rome?", message_history=first.all_messages())
        assert second.output
        audio_api.verify(self.calls, times=2)


class TestChat(TestResponses):
    calls = "/v1/chat/completions"
    model = "openai-chat:gpt-4o-mini"

    def test_a_recording_is_transcribed(self, audio_api: AudioApi) -> None:
        audio_api.on_chat(heard="Hello world*").reply("Hello yourself.")
        clip = BinaryContent(HELLO.read_bytes(), media_type="audio/wav")
        assert Agent("openai-chat:gpt-audio").run_sync(["Answer this.", clip]).output == "Hello yourself."


def test_a_response_is_continued(audio_api: AudioApi) -> None:
    options = OpenAIResponsesModelSettings(
        openai_previous_response_id="auto", openai_reasoning_summary="auto", openai_reasoning_effort="low"
    )
    agent = Agent("openai:gpt-5.4", model_settings=options)
    first = agent.run_sync("Hi.")
    assert agent.run_sync("Thanks.", message_history=first.all_messages()).output == "You wrote: Thanks."
    continued = first.response.provider_response_id
    audio_api.verify_response(fields={"previous_response_id": continued}, times=1)
