"""A ToolCallingAgent of smolagents, which must call a tool at each step, runs until the model calls `final_answer`.

It sends earlier calls and their results as text.
"""

from __future__ import annotations

from smolagents import OpenAIModel, ToolCallingAgent, tool

from mockserver.testing.audio_api import AudioApi


@tool
def get_weather(city: str) -> str:
    """Return the weather of a city.

    Args:
        city: The name of the city.
    """
    return f"18 degrees in {city}"


def test_a_tool_calling_agent_ends(audio_api: AudioApi) -> None:
    agent = ToolCallingAgent([get_weather], OpenAIModel("gpt-4o-mini"), max_steps=5, verbosity_level=0)
    run = agent.run("How is the weather in Paris?", return_full_result=True)
    assert run.state == "success"
    audio_api.verify_chat(fields={"tool_choice": "required"}, times=2)
