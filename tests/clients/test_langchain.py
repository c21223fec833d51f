"""LangChain's agent ends with a tool call that carries the structured answer, under `tool_choice: "required"`."""

from __future__ import annotations

import pytest
from langchain.agents import create_agent
from langchain.agents.structured_output import ToolStrategy
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from openai import NotFoundError
from pydantic import BaseModel

from mockserver.testing.audio_api import AudioApi


class Forecast(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


@tool
def get_weather(city: str) -> str:
    """Return the weather of a city."""
    return f"18 degrees in {city}"


def test_an_agent_with_a_tool_strategy_ends(audio_api: AudioApi) -> None:
    agent = create_agent(
        ChatOpenAI(model="gpt-4o-mini"), [get_weather], response_format=ToolStrategy(Forecast)
    )
    ended = agent.invoke({"messages": [("user", "How is the weather in Paris?")]})
    assert isinstance(ended["structured_response"], Forecast)
    assert [message.name for message in ended["messages"] if message.type == "tool"] == [
        "get_weather",
        "Forecast",
    ]
    audio_api.verify_chat(times=2)


def test_the_default_model_is_served(audio_api: AudioApi) -> None:
    audio_api.on_chat().reply("Hello.")
    assert ChatOpenAI().invoke("Hi.").text == "Hello."
    audio_api.verify_chat(model="gpt-3.5-turbo", times=1)


def test_the_switch_to_responses_meets_what_is_not_served(audio_api: AudioApi) -> None:
    with pytest.raises(NotFoundError, match="use_responses_api=False in LangChain"):
        ChatOpenAI(model="gpt-5", use_responses_api=True).invoke("Hi.")
    assert "POST /v1/responses is not served" in audio_api.exchanges()
