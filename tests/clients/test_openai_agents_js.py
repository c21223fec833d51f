"""The OpenAI Agents SDK for JavaScript calls the Responses API unless it is switched to chat completions."""

from __future__ import annotations

from tests.clients.node import NodeScenarios


class TestResponses(NodeScenarios):
    program = "openai_agents.mjs"


class TestChat(NodeScenarios):
    program = "openai_agents.mjs"
    api = "chat"
    calls = "/v1/chat/completions"
