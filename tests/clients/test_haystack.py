"""Haystack has a component for chat completions, one for the Responses API, and one that transcribes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from haystack.components.agents import Agent
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator, OpenAIResponsesChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import create_tool_from_function
from haystack_integrations.components.audio.whisper import RemoteWhisperTranscriber

from mockserver.testing.audio_api import AudioApi
from tests.clients.scenarios import Forecast, SixScenarios


class TestResponses(SixScenarios):
    def generator(self, **options: Any) -> Any:
        return OpenAIResponsesChatGenerator(**options)

    def answer(self, prompt: str, **options: Any) -> str:
        said = self.generator(**options).run([ChatMessage.from_user(prompt)])["replies"]
        return str(said[0].text)

    def text(self, prompt: str) -> str:
        return self.answer(prompt)

    def stream(self, prompt: str) -> list[str]:
        pieces: list[str] = []
        self.answer(prompt, streaming_callback=lambda chunk: pieces.append(chunk.content))
        return pieces

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        cities = []

        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            cities.append(city)
            return f"18 degrees in {city}"

        agent = Agent(chat_generator=self.generator(), tools=[create_tool_from_function(get_weather)])
        return cities, agent.run([ChatMessage.from_user(prompt)])["last_message"].text

    def test_a_tool_is_run_in_a_stream(self, audio_api: AudioApi) -> None:
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            return f"18 degrees in {city}"

        pieces: list[str] = []
        streamed = self.generator(streaming_callback=lambda chunk: pieces.append(chunk.content))
        agent = Agent(chat_generator=streamed, tools=[create_tool_from_function(get_weather)])
        agent.run([ChatMessage.from_user("How is the weather in Paris?")])
        assert "18 degrees" in "".join(pieces)
        audio_api.verify(self.calls, fields={"stream": True}, times=2)

    def forecast(self, prompt: str) -> Forecast:
        structured = {"text_format": Forecast}
        return Forecast.model_validate_json(self.answer(prompt, generation_kwargs=structured))

    def transcribe(self, clip: Path) -> str:
        return str(RemoteWhisperTranscriber().run(sources=[clip])["documents"][0].content)


class TestChat(TestResponses):
    calls = "/v1/chat/completions"

    def generator(self, **options: Any) -> Any:
        return OpenAIChatGenerator(**options)

    def forecast(self, prompt: str) -> Forecast:
        structured = {"response_format": Forecast}
        return Forecast.model_validate_json(self.answer(prompt, generation_kwargs=structured))


@pytest.mark.usefixtures("audio_api")
def test_a_text_is_embedded() -> None:
    assert len(OpenAITextEmbedder(dimensions=8).run("A cat.")["embedding"]) == 8
