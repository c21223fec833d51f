"""Microsoft's Agent Framework calls the Responses API by `OpenAIChatClient`, and has a client for chat completions.

`OpenAIChatClient` always asks for encrypted reasoning, which is refused for models that do not reason.
"""

from __future__ import annotations

import asyncio
from typing import Any

from agent_framework import Agent
from agent_framework.openai import OpenAIChatClient, OpenAIChatCompletionClient

from mockserver.testing.audio_api import AudioApi
from tests.clients.scenarios import Forecast, SixScenarios


class TestResponses(SixScenarios):
    def agent(self, **options: Any) -> Any:
        return Agent(OpenAIChatClient("gpt-5.4"), **options)

    def text(self, prompt: str) -> str:
        return str(asyncio.run(self.agent().run(prompt)).text)

    def stream(self, prompt: str) -> list[str]:
        async def run() -> list[str]:
            updates = self.agent().run(prompt, stream=True)
            contents = [content async for update in updates for content in update.contents]
            # The last update of a text has all of it, to replace the pieces.
            return [each.text for each in contents if each.type == "text" and each.merge_mode != "replace"]

        return asyncio.run(run())

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        cities = []

        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            cities.append(city)
            return f"18 degrees in {city}"

        return cities, asyncio.run(self.agent(tools=[get_weather]).run(prompt)).text

    def test_a_session_with_a_tool_is_streamed_and_goes_on(self, audio_api: AudioApi) -> None:
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            return f"18 degrees in {city}"

        async def talk() -> tuple[str, str]:
            agent = self.agent(tools=[get_weather])
            session = agent.create_session()
            first = agent.run("How is the weather in Paris?", stream=True, session=session)
            said = await first.get_final_response()
            return said.text, (await agent.run("Thanks.", session=session)).text

        first, second = asyncio.run(talk())
        assert "18 degrees" in first
        assert second == "You wrote: Thanks."
        audio_api.verify(self.calls, times=3)

    def forecast(self, prompt: str) -> Forecast:
        found: Forecast = asyncio.run(self.agent().run(prompt, options={"response_format": Forecast})).value
        return found


class TestChat(TestResponses):
    calls = "/v1/chat/completions"

    def agent(self, **options: Any) -> Any:
        return Agent(OpenAIChatCompletionClient("gpt-4o-mini"), **options)
