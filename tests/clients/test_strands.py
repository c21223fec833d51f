"""A Strands agent without tools sends an empty list of tools."""

from __future__ import annotations

from strands import Agent
from strands.models.openai import OpenAIModel

from mockserver.testing.audio_api import AudioApi


def test_an_agent_without_tools_is_answered(audio_api: AudioApi) -> None:
    audio_api.on_chat(user_text="Hi*").reply("Hello.")
    agent = Agent(OpenAIModel(model_id="gpt-4o-mini"), callback_handler=None)
    assert str(agent("Hi.")).strip() == "Hello."
    audio_api.verify_chat(fields={"tools": []}, times=1)
