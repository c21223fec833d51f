"""The AI SDK for JavaScript calls the Responses API, unless a model is made by `openai.chat()`."""

from __future__ import annotations

from tests.clients.node import NodeScenarios


class TestResponses(NodeScenarios):
    program = "ai_sdk.mjs"


class TestChat(NodeScenarios):
    program = "ai_sdk.mjs"
    api = "chat"
    calls = "/v1/chat/completions"
