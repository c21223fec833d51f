"""The AI SDK for JavaScript calls the Responses API, unless a model is made by `openai.chat()`."""

from __future__ import annotations

from mockserver.testing.audio_api import AudioApi
from tests.clients.node import NodeScenarios


class TestResponses(NodeScenarios):
    program = "ai_sdk.mjs"

    def test_a_conversation_with_a_tool_is_streamed_and_goes_on(self, audio_api: AudioApi) -> None:
        seen = self.run("streamed_tool", "How is the weather in Paris?")
        assert {"tool-input-delta", "tool-call", "tool-result", "text-delta"} <= set(seen["types"])
        assert "18 degrees" in seen["first"]
        assert seen["second"] == "You wrote: Thanks."
        audio_api.verify(self.calls, times=3)

    def test_a_search_has_sources(self, audio_api: AudioApi) -> None:
        assert self.run("web_search", "Search for cats.") == ["https://example.com/"]
        audio_api.verify(self.calls, times=1)


class TestChat(NodeScenarios):
    program = "ai_sdk.mjs"
    api = "chat"
    calls = "/v1/chat/completions"


def test_encrypted_reasoning_is_sent_back_if_nothing_is_stored(audio_api: AudioApi) -> None:
    client = TestResponses()
    client.api = "storeless"
    _, answer = client.run_tool("How is the weather in Paris?")
    assert "18 degrees" in answer
    audio_api.verify_response(fields={"include": ["reasoning.encrypted_content"], "store": False}, times=2)
    sent = audio_api.journal[-1]["request"]["input"]
    assert [item["encrypted_content"] for item in sent if item.get("type") == "reasoning"]
