"""The official SDK's clients of Azure OpenAI, in Python and JavaScript."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest

from tests.clients.node import NodeScenarios
from tests.clients.scenarios import Forecast, SixScenarios

pytestmark = pytest.mark.usefixtures("azure")

MODEL = "gpt-4o-mini"
CHAT = "/openai/deployments/gpt-4o-mini/chat/completions"
RESPONSES = "/openai/responses"


class TestResponses(SixScenarios):
    calls = RESPONSES

    def sdk(self) -> openai.OpenAI:
        return openai.AzureOpenAI()

    def text(self, prompt: str) -> str:
        return self.sdk().responses.create(model=MODEL, input=prompt).output_text

    def stream(self, prompt: str) -> list[str]:
        with self.sdk().responses.stream(model=MODEL, input=prompt) as events:
            return [event.delta for event in events if event.type == "response.output_text.delta"]

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        city = {"type": "object", "properties": {"city": {"type": "string"}}}
        tools: Any = [{"type": "function", "name": "get_weather", "parameters": city, "strict": False}]
        first = self.sdk().responses.create(model=MODEL, input=prompt, tools=tools)
        (call,) = [item for item in first.output if item.type == "function_call"]
        asked = json.loads(call.arguments)["city"]
        result: Any = {"type": "function_call_output", "call_id": call.call_id}
        result["output"] = f"18 degrees in {asked}"
        answer = self.sdk().responses.create(
            model=MODEL, input=[result], previous_response_id=first.id, tools=tools
        )
        return [asked], answer.output_text

    def forecast(self, prompt: str) -> Forecast:
        found = self.sdk().responses.parse(model=MODEL, input=prompt, text_format=Forecast).output_parsed
        assert found is not None
        return found


class TestChat(TestResponses):
    calls = CHAT

    def complete(self, *messages: Any, **options: Any) -> Any:
        return self.sdk().chat.completions.create(model=MODEL, messages=[*messages], **options)

    def text(self, prompt: str) -> str:
        return str(self.complete({"role": "user", "content": prompt}).choices[0].message.content)

    def stream(self, prompt: str) -> list[str]:
        chunks = self.complete({"role": "user", "content": prompt}, stream=True)
        return [choice.delta.content or "" for chunk in chunks for choice in chunk.choices]

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        city = {"type": "object", "properties": {"city": {"type": "string"}}}
        tools = [{"type": "function", "function": {"name": "get_weather", "parameters": city}}]
        asked = {"role": "user", "content": prompt}
        message = self.complete(asked, tools=tools).choices[0].message
        (call,) = message.tool_calls
        named = json.loads(call.function.arguments)["city"]
        result = {"role": "tool", "tool_call_id": call.id, "content": f"18 degrees in {named}"}
        return [named], self.complete(asked, message, result, tools=tools).choices[0].message.content

    def forecast(self, prompt: str) -> Forecast:
        messages: Any = [{"role": "user", "content": prompt}]
        answer = self.sdk().chat.completions.parse(model=MODEL, messages=messages, response_format=Forecast)
        found = answer.choices[0].message.parsed
        assert found is not None
        return found


class TestResponsesInJavaScript(NodeScenarios):
    program = "azure_openai.mjs"
    calls = RESPONSES


class TestChatInJavaScript(NodeScenarios):
    program = "azure_openai.mjs"
    api = "chat"
    calls = CHAT
