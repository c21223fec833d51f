"""An agent of agno calls the Responses API unless it has the model `OpenAIChat`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agno.agent import Agent
from agno.db.in_memory import InMemoryDb
from agno.models.openai import OpenAIChat
from agno.tools.openai import OpenAITools

from mockserver.testing.audio_api import AudioApi
from tests.clients.scenarios import Forecast, SixScenarios


class TestResponses(SixScenarios):
    def agent(self, **options: Any) -> Agent:
        return Agent(telemetry=False, **options)

    def text(self, prompt: str) -> str:
        return str(self.agent().run(prompt).content)

    def stream(self, prompt: str) -> list[str]:
        return [event.content for event in self.agent().run(prompt, stream=True) if event.content]

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        cities = []

        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            cities.append(city)
            return f"18 degrees in {city}"

        return cities, str(self.agent(tools=[get_weather]).run(prompt).content)

    def test_a_tool_is_run_in_a_stream(self, audio_api: AudioApi) -> None:
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            return f"18 degrees in {city}"

        events = self.agent(tools=[get_weather]).run("How is the weather in Paris?", stream=True)
        assert "18 degrees" in "".join(event.content or "" for event in events)
        audio_api.verify(self.calls, fields={"stream": True}, times=2)

    def forecast(self, prompt: str) -> Forecast:
        found: Forecast = self.agent(output_schema=Forecast).run(prompt).content
        return found

    def transcribe(self, clip: Path) -> str:
        return str(OpenAITools().transcribe_audio(str(clip))).strip()


class TestChat(TestResponses):
    calls = "/v1/chat/completions"

    def agent(self, **options: Any) -> Agent:
        return Agent(model=OpenAIChat("gpt-4o-mini"), telemetry=False, **options)


def test_a_conversation_goes_on(audio_api: AudioApi) -> None:
    agent = Agent(telemetry=False, db=InMemoryDb(), add_history_to_context=True)
    first = agent.run("Hi.", session_id="one").model_provider_data
    assert agent.run("Thanks.", session_id="one").content == "You wrote: Thanks."
    audio_api.verify_response(fields={"previous_response_id": first["response_id"]}, times=1)
