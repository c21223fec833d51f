"""What each client must be able to do: six scenarios, which a class of tests inherits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path

import openai
from pydantic import BaseModel, ConfigDict

from mockserver.resources import data_folder
from mockserver.testing.audio_api import AudioApi

HELLO = data_folder("fixtures") / "hello.wav"  # says HEARD
HEARD = "Hello world, this is a test."


class Forecast(BaseModel):
    """The weather of a city."""

    model_config = ConfigDict(extra="forbid")
    city: str
    degrees: int


class SixScenarios(ABC):
    """The scenarios of one client; a subclass makes its calls.

    ``calls`` is the path that the client calls for answers. A client without audio leaves transcription and speech to
    the official SDK.
    """

    calls = "/v1/responses"

    @abstractmethod
    def text(self, prompt: str) -> str:
        """Return the answer to a prompt."""

    @abstractmethod
    def stream(self, prompt: str) -> list[str]:
        """Return the pieces of a streamed answer."""

    @abstractmethod
    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        """Return the cities that ``get_weather`` was asked for, and the final answer."""

    @abstractmethod
    def forecast(self, prompt: str) -> Forecast:
        """Return a structured answer."""

    def sdk(self) -> openai.OpenAI:
        """Return a client of the official SDK."""
        return openai.OpenAI()

    def transcribe(self, clip: Path) -> str:
        """Return the words of a recording."""
        return self.sdk().audio.transcriptions.create(model="gpt-4o-transcribe", file=clip).text

    def speak(self, text: str) -> bytes:
        """Return speech as a WAV file."""
        speech = self.sdk().audio.speech
        return speech.create(
            model="gpt-4o-mini-tts", voice="coral", input=text, response_format="wav"
        ).content

    def test_a_text_is_answered(self, audio_api: AudioApi) -> None:
        audio_api.on(self.calls, user_text="Hi*").say("Hello.")
        assert self.text("Hi.").strip() == "Hello."
        audio_api.verify(self.calls, times=1)

    def test_an_answer_is_streamed(self, audio_api: AudioApi) -> None:
        audio_api.on(self.calls).say("The words arrive one by one.")
        pieces = [piece for piece in self.stream("Hi.") if piece]
        assert len(pieces) > 3
        assert "".join(pieces) == "The words arrive one by one."
        audio_api.verify(self.calls, fields={"stream": True}, times=1)

    def test_a_tool_is_run_and_its_result_is_told(self, audio_api: AudioApi) -> None:
        cities, answer = self.run_tool("How is the weather in Paris?")
        assert len(cities) == 1
        assert f"18 degrees in {cities[0]}" in answer
        audio_api.verify(self.calls, times=2)

    def test_a_structured_answer_has_the_type(self, audio_api: AudioApi) -> None:
        assert isinstance(self.forecast("What do you expect for Paris?"), Forecast)
        audio_api.verify(self.calls, times=1)

    def test_a_rate_limit_is_overcome(self, audio_api: AudioApi) -> None:
        limit = audio_api.fail_next("rate_limit_requests", endpoint=self.calls, retry_after=0.01)
        audio_api.on(self.calls).say("Hello.")
        assert self.text("Hi.").strip() == "Hello."
        assert limit.hits == 1
        audio_api.verify(self.calls, times=2)

    def test_what_was_heard_is_answered_and_the_answer_is_spoken(self, audio_api: AudioApi) -> None:
        heard = self.transcribe(HELLO)
        assert heard == HEARD
        audio_api.on(self.calls, user_text=HEARD).say("Hello yourself.")
        assert self.speak(self.text(heard).strip()).startswith(b"RIFF")
        audio_api.verify_speech(fields={"input": "Hello yourself."}, times=1)
