"""The OpenAI Agents SDK calls the Responses API unless it is switched to chat completions."""

from __future__ import annotations

from collections.abc import Iterator

import agents
import pytest
from agents import Agent, Runner, function_tool

from mockserver.testing.audio_api import AudioApi


@pytest.fixture
def chat_completions() -> Iterator[None]:
    agents.set_default_openai_api("chat_completions")
    yield
    agents.set_default_openai_api("responses")


@function_tool
def get_weather(city: str) -> str:
    """Return the weather of a city."""
    return f"18 degrees in {city}"


@pytest.mark.usefixtures("chat_completions")
def test_an_agent_with_a_tool_runs_with_the_default_model(audio_api: AudioApi) -> None:
    agent = Agent("Forecaster", tools=[get_weather])
    run = Runner.run_sync(agent, "How is the weather in Paris?")
    assert "18 degrees" in run.final_output
    audio_api.verify_chat(times=2)


def test_without_the_switch_it_calls_responses_which_are_not_served(audio_api: AudioApi) -> None:
    with pytest.raises(Exception, match=r'set_default_openai_api\("chat_completions"\)'):
        Runner.run_sync(Agent("Greeter"), "Hi.")
    assert "POST /v1/responses is not served" in audio_api.exchanges()
