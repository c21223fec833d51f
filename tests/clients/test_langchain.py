"""LangChain calls chat completions, the Responses API with an option, and Azure OpenAI by classes of its own.

Its agent ends with a tool call that carries the structured answer, under `tool_choice: "required"`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.tools import tool
from langchain_openai import AzureChatOpenAI, AzureOpenAIEmbeddings, ChatOpenAI, OpenAIEmbeddings
from litellm.litellm_core_utils import tokenizers

from mockserver.testing.audio_api import AudioApi
from tests.clients.scenarios import Forecast, SixScenarios


class TestResponses(SixScenarios):
    def model(self) -> Any:
        return ChatOpenAI(model="gpt-5", use_responses_api=True)

    def text(self, prompt: str) -> str:
        return str(self.model().invoke(prompt).text)

    def stream(self, prompt: str) -> list[str]:
        return [chunk.text for chunk in self.model().stream(prompt)]

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        cities = []

        @tool
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            cities.append(city)
            return f"18 degrees in {city}"

        ended = create_agent(self.model(), [get_weather]).invoke({"messages": [("user", prompt)]})
        return cities, ended["messages"][-1].text

    def forecast(self, prompt: str) -> Forecast:
        found: Forecast = self.model().with_structured_output(Forecast).invoke(prompt)
        return found

    def test_an_agent_with_a_tool_strategy_ends(self, audio_api: AudioApi) -> None:
        @tool
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            return f"18 degrees in {city}"

        agent = create_agent(self.model(), [get_weather], response_format=ToolStrategy(Forecast))
        ended = agent.invoke({"messages": [("user", "How is the weather in Paris?")]})
        assert isinstance(ended["structured_response"], Forecast)
        called = [message.name for message in ended["messages"] if message.type == "tool"]
        assert called == ["get_weather", "Forecast"]
        audio_api.verify(self.calls, times=2)

    def test_an_agent_with_a_tool_is_streamed(self, audio_api: AudioApi) -> None:
        @tool
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            return f"18 degrees in {city}"

        asked: Any = {"messages": [("user", "How is the weather in Paris?")]}
        agent = create_agent(self.model(), [get_weather])
        pieces = [piece.text for piece, _ in agent.stream(asked, stream_mode="messages")]
        assert len(pieces) > 3
        assert "18 degrees" in "".join(pieces)
        audio_api.verify(self.calls, times=2)


class TestChat(TestResponses):
    calls = "/v1/chat/completions"

    def model(self) -> Any:
        return ChatOpenAI(model="gpt-4o-mini")


@pytest.mark.usefixtures("azure")
class TestAzure(TestResponses):
    calls = "/openai/deployments/gpt-4o-mini/chat/completions"

    def model(self) -> Any:
        return AzureChatOpenAI(azure_deployment="gpt-4o-mini")

    def sdk(self) -> openai.OpenAI:
        return openai.AzureOpenAI()


def test_the_default_model_is_served(audio_api: AudioApi) -> None:
    audio_api.on_chat().reply("Hello.")
    assert ChatOpenAI().invoke("Hi.").text == "Hello."
    audio_api.verify_chat(model="gpt-3.5-turbo", times=1)


def test_reasoning_switches_to_responses(audio_api: AudioApi) -> None:
    audio_api.on_response().reply("Hello.")
    assert ChatOpenAI(model="gpt-5", reasoning={"effort": "low"}).invoke("Hi.").text == "Hello."
    audio_api.verify_response(fields={"reasoning.effort": "low"}, times=1)


def test_a_built_in_tool_switches_to_responses_and_they_are_continued(audio_api: AudioApi) -> None:
    model = ChatOpenAI(model="gpt-5", use_previous_response_id=True).bind_tools([{"type": "web_search"}])
    found = model.invoke("Search for cats.")
    assert found.content_blocks[-1]["annotations"][0]["url"] == "https://example.com/"
    assert model.invoke(["Search for cats.", found, "Thanks."]).text == "You wrote: Thanks."
    continued = {"previous_response_id": found.response_metadata["id"]}
    audio_api.verify_response(fields=continued, times=1)


def test_reasoning_is_sent_back_encrypted(audio_api: AudioApi) -> None:
    encrypted = {"store": False, "include": ["reasoning.encrypted_content"]}
    model = ChatOpenAI(model="gpt-5", use_responses_api=True, **encrypted)
    first = model.invoke("Hi.")
    assert model.invoke(["Hi.", first, "Thanks."]).text == "You wrote: Thanks."
    audio_api.verify_response(fields=encrypted, times=2)


def nearest(embeddings: Any) -> str:
    texts = ["Trains leave from platform four.", "The cat sleeps on the sofa."]
    sought = embeddings.embed_query("Where does the cat sleep?")
    found = embeddings.embed_documents(texts)
    return max(zip(texts, found, strict=True), key=lambda each: sum(map(float.__mul__, sought, each[1])))[0]


@pytest.fixture
def vocabulary(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tiktoken read the vocabulary that LiteLLM has with it, not one of the network."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(Path(tokenizers.__file__).parent))


@pytest.mark.usefixtures("audio_api", "vocabulary")
def test_embeddings_of_tokens_find_the_text() -> None:
    assert nearest(OpenAIEmbeddings(model="text-embedding-3-small")) == "The cat sleeps on the sofa."


@pytest.mark.usefixtures("azure", "vocabulary")
def test_embeddings_of_azure_find_the_text(audio_api: AudioApi) -> None:
    assert nearest(AzureOpenAIEmbeddings(model="text-embedding-3-small")) == "The cat sleeps on the sofa."
    audio_api.verify("/openai/deployments/text-embedding-3-small/embeddings", times=2)
