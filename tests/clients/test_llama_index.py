"""LlamaIndex has a class for chat completions and one for the Responses API.

It reads the base URL only from `OPENAI_API_BASE`, the older name.
"""

from __future__ import annotations

import asyncio
from typing import Any

from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import AudioBlock, ChatMessage, TextBlock
from llama_index.core.tools import FunctionTool
from llama_index.llms.openai import OpenAI, OpenAIResponses

from mockserver.testing.audio_api import AudioApi
from tests.clients.scenarios import HELLO, Forecast, SixScenarios


class TestResponses(SixScenarios):
    def model(self) -> Any:
        return OpenAIResponses("gpt-4o-mini")

    def text(self, prompt: str) -> str:
        return str(self.model().complete(prompt).text)

    def stream(self, prompt: str) -> list[str]:
        return [piece.delta for piece in self.model().stream_complete(prompt)]

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            return f"18 degrees in {city}"

        model, tools = self.model(), [FunctionTool.from_defaults(get_weather)]
        asked = ChatMessage(prompt)
        answer = model.chat_with_tools(tools, chat_history=[asked])
        (call,) = model.get_tool_calls_from_response(answer)
        result = ChatMessage(
            role="tool",
            content=get_weather(**call.tool_kwargs),
            additional_kwargs={"tool_call_id": call.tool_id},
        )
        ended = model.chat_with_tools(tools, chat_history=[asked, answer.message, result])
        return [call.tool_kwargs["city"]], ended.message.content

    def forecast(self, prompt: str) -> Forecast:
        found: Forecast = self.model().as_structured_llm(Forecast).complete(prompt).raw
        return found

    def test_an_agent_with_a_tool_ends(self, audio_api: AudioApi) -> None:
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            return f"18 degrees in {city}"

        async def run() -> str:
            agent = FunctionAgent(tools=[FunctionTool.from_defaults(get_weather)], llm=self.model())
            return str(await agent.run("How is the weather in Paris?"))

        assert "18 degrees" in asyncio.run(run())
        audio_api.verify(self.calls, fields={"stream": True}, times=2)


class TestChat(TestResponses):
    calls = "/v1/chat/completions"

    def model(self) -> Any:
        return OpenAI("gpt-4o-mini")


def test_the_fixture_leads_the_default_model_to_the_server(audio_api: AudioApi) -> None:
    audio_api.on_chat().reply("Hello.")
    assert OpenAI().complete("Hi.").text == "Hello."
    audio_api.verify_chat(times=1)


def test_an_audio_block_is_transcribed(audio_api: AudioApi) -> None:
    audio_api.on_chat(heard="Hello world*").reply("Hello yourself.")
    clip = AudioBlock(path=HELLO, format="wav")
    message = ChatMessage(role="user", blocks=[TextBlock(text="Answer this."), clip])
    assert OpenAI("gpt-4o-audio-preview").chat([message]).message.content == "Hello yourself."
