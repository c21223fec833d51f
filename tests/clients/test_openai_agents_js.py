"""The OpenAI Agents SDK for JavaScript calls the Responses API unless it is switched to chat completions."""

from __future__ import annotations

from mockserver.testing.audio_api import AudioApi
from tests.clients.node import NodeScenarios


class TestResponses(NodeScenarios):
    program = "openai_agents.mjs"

    def test_a_session_keeps_a_streamed_conversation_with_a_tool(self, audio_api: AudioApi) -> None:
        first, second = self.run("session", "How is the weather in Paris?")
        assert "18 degrees" in first
        assert second == "You wrote: Thanks."
        audio_api.verify(self.calls, times=3)


class TestChat(NodeScenarios):
    program = "openai_agents.mjs"
    api = "chat"
    calls = "/v1/chat/completions"
