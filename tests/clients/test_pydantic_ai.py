"""pydantic-ai ends a run with its own output tool, under `tool_choice: "required"`."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent
from pydantic_ai.exceptions import ModelHTTPError

from mockserver.resources import data_folder
from mockserver.testing.audio_api import AudioApi

HELLO = data_folder("fixtures") / "hello.wav"  # says "Hello world, this is a test."


class Forecast(BaseModel):
    city: str
    degrees: int


def test_a_run_with_tools_and_an_output_type_ends(audio_api: AudioApi) -> None:
    asked = []
    agent = Agent("openai-chat:gpt-4o-mini", output_type=Forecast)

    @agent.tool_plain
    def get_weather(city: str) -> str:
        asked.append(city)
        return "18 degrees"

    run = agent.run_sync("How is the weather in Paris?")
    assert isinstance(run.output, Forecast)
    assert len(asked) == 1
    audio_api.verify_chat(fields={"tool_choice": "required"}, times=2)


def test_a_recording_is_transcribed(audio_api: AudioApi) -> None:
    audio_api.on_chat(heard="Hello world*").reply("Hello yourself.")
    clip = BinaryContent(HELLO.read_bytes(), media_type="audio/wav")
    assert Agent("openai-chat:gpt-audio").run_sync(["Answer this.", clip]).output == "Hello yourself."


def test_without_a_switch_it_calls_responses_which_are_not_served(audio_api: AudioApi) -> None:
    with pytest.raises(ModelHTTPError, match='"openai-chat:" in pydantic-ai') as refused:
        Agent("openai:gpt-4o-mini").run_sync("Hi.")
    assert refused.value.status_code == 404
    assert "POST /v1/responses is not served" in audio_api.exchanges()
