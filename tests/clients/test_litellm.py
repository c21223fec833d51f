"""LiteLLM calls chat completions, and the Responses API by `litellm.responses()`; it transcribes and speaks, too."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import litellm
import pytest

from mockserver.testing.audio_api import AudioApi
from tests.clients.scenarios import HELLO, Forecast, SixScenarios

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
GET_WEATHER = {"name": "get_weather", "description": "Return the weather of a city.", "parameters": CITY}


class Audio(SixScenarios):
    """Its calls for transcription and speech."""

    def transcribe(self, clip: Path) -> str:
        with clip.open("rb") as recording:
            return str(litellm.transcription("whisper-1", recording).text)

    def speak(self, text: str) -> bytes:
        spoken = litellm.speech("openai/tts-1", text, voice="alloy", response_format="wav")
        return bytes(spoken.content)


class TestResponses(Audio):
    def text(self, prompt: str) -> str:
        return str(litellm.responses(prompt, model="gpt-4o-mini", num_retries=1).output_text)

    def stream(self, prompt: str) -> list[str]:
        events = litellm.responses(prompt, model="gpt-4o-mini", stream=True)
        return [event.delta for event in events if event.type == "response.output_text.delta"]

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        tools = [{"type": "function", **GET_WEATHER}]
        first = litellm.responses(prompt, model="gpt-4o-mini", tools=tools)
        (call,) = [item for item in first.output if item.type == "function_call"]
        city = json.loads(call.arguments)["city"]
        result = {
            "type": "function_call_output",
            "call_id": call.call_id,
            "output": f"18 degrees in {city}",
        }
        second = litellm.responses([result], model="gpt-4o-mini", tools=tools, previous_response_id=first.id)
        return [city], second.output_text

    def forecast(self, prompt: str) -> Forecast:
        answer = litellm.responses(prompt, model="gpt-4o-mini", text_format=Forecast)
        return Forecast.model_validate_json(answer.output_text)


class TestChat(Audio):
    calls = "/v1/chat/completions"
    model = "gpt-4o-mini"

    def complete(self, *messages: Any, **options: Any) -> Any:
        return litellm.completion(self.model, list(messages), **options)

    def text(self, prompt: str) -> str:
        return str(self.complete({"role": "user", "content": prompt}).choices[0].message.content)

    def stream(self, prompt: str) -> list[str]:
        chunks = self.complete({"role": "user", "content": prompt}, stream=True)
        return [chunk.choices[0].delta.content or "" for chunk in chunks]

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        asked = {"role": "user", "content": prompt}
        tools = [{"type": "function", "function": GET_WEATHER}]
        message = self.complete(asked, tools=tools).choices[0].message
        (call,) = message.tool_calls
        city = json.loads(call.function.arguments)["city"]
        result = {"role": "tool", "tool_call_id": call.id, "content": f"18 degrees in {city}"}
        answer = self.complete(asked, message, result, tools=tools).choices[0].message
        return [city], answer.content

    def forecast(self, prompt: str) -> Forecast:
        answer = self.complete({"role": "user", "content": prompt}, response_format=Forecast)
        return Forecast.model_validate_json(answer.choices[0].message.content)


@pytest.mark.usefixtures("azure")
class TestAzure(TestChat):
    calls = "/openai/deployments/gpt-4o-mini/chat/completions"
    model = "azure/gpt-4o-mini"

    @pytest.fixture(autouse=True)
    def variables(self, audio_api: AudioApi, monkeypatch: pytest.MonkeyPatch) -> None:
        """Set the variables that only LiteLLM reads."""
        monkeypatch.setenv("AZURE_API_BASE", audio_api.url)
        monkeypatch.setenv("AZURE_API_KEY", audio_api.api_key)
        monkeypatch.setenv("AZURE_API_VERSION", "2025-04-01-preview")

    def transcribe(self, clip: Path) -> str:
        with clip.open("rb") as recording:
            return str(litellm.transcription("azure/whisper", recording).text)

    def speak(self, text: str) -> bytes:
        spoken = litellm.speech("azure/tts", text, voice="alloy", response_format="wav")
        return bytes(spoken.content)


def test_a_chat_hears_and_speaks(audio_api: AudioApi) -> None:
    audio_api.on_chat(heard="Hello world*").say("Hello yourself.")
    clip = base64.b64encode(HELLO.read_bytes()).decode()
    content = [{"type": "input_audio", "input_audio": {"data": clip, "format": "wav"}}]
    answer = litellm.completion(
        "gpt-audio",
        [{"role": "user", "content": content}],
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
    )
    audio = answer.choices[0].message.audio
    assert audio.transcript == "Hello yourself."
    assert base64.b64decode(audio.data).startswith(b"RIFF")


def test_a_rate_limit_is_its_error(audio_api: AudioApi) -> None:
    audio_api.fail_next("rate_limit_requests")
    with pytest.raises(litellm.RateLimitError):
        litellm.completion("gpt-4o-mini", [{"role": "user", "content": "Hi."}], max_retries=0)


def test_a_chat_of_a_model_that_refuses_tools_there_becomes_a_response(audio_api: AudioApi) -> None:
    tools = [{"type": "function", "function": GET_WEATHER}]
    asked = [{"role": "user", "content": "How is the weather in Paris?"}]
    answer = litellm.completion("gpt-5.4", asked, tools=tools, reasoning_effort="low")
    assert answer.choices[0].message.tool_calls[0].function.name == "get_weather"
    audio_api.verify_response(times=1)


def test_a_response_is_retrieved(audio_api: AudioApi) -> None:
    made = litellm.responses("Hi.", model="gpt-4o-mini")
    assert litellm.get_responses(made.id).output_text == "You wrote: Hi."
    audio_api.verify(times=2)


def test_a_moderation_is_answered(audio_api: AudioApi) -> None:
    assert not litellm.moderation("A cat.", model="omni-moderation-latest").results[0].flagged
    audio_api.verify("moderations", times=1)
