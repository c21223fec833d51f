"""Microsoft's Agent Framework calls the Responses API by `OpenAIChatClient`, and has a client for chat completions.

`OpenAIChatClient` always asks for encrypted reasoning, which is refused for models that do not reason.
"""

from __future__ import annotations

import asyncio
from typing import Any

from agent_framework import Agent
from agent_framework.openai import OpenAIChatClient, OpenAIChatCompletionClient

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

    def forecast(self, prompt: str) -> Forecast:
        found: Forecast = asyncio.run(self.agent().run(prompt, options={"response_format": Forecast})).value
        return found


class TestChat(TestResponses):
    calls = "/v1/chat/completions"

    def agent(self, **options: Any) -> Any:
        return Agent(OpenAIChatCompletionClient("gpt-4o-mini"), **options)
