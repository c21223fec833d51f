"""`llm`, a command and a library, calls the Responses API for some models, such as its default, or chat completions."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import llm
import pytest

from mockserver.testing.audio_api import AudioApi
from tests.clients.scenarios import Forecast, SixScenarios


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Give it separate settings and logs."""
    monkeypatch.setenv("LLM_USER_PATH", str(tmp_path))


class TestResponses(SixScenarios):
    model: str | None = None

    def text(self, prompt: str) -> str:
        return str(llm.get_model(self.model).prompt(prompt, stream=False).text())

    def stream(self, prompt: str) -> list[str]:
        return list(llm.get_model(self.model).prompt(prompt))

    def run_tool(self, prompt: str) -> tuple[list[str], str]:
        cities = []

        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            cities.append(city)
            return f"18 degrees in {city}"

        return cities, llm.get_model(self.model).chain(prompt, tools=[get_weather]).text()

    def forecast(self, prompt: str) -> Forecast:
        answer = llm.get_model(self.model).prompt(prompt, schema=Forecast)
        return Forecast.model_validate_json(answer.text())

    def test_a_conversation_with_a_tool_goes_on(self, audio_api: AudioApi) -> None:
        def get_weather(city: str) -> str:
            """Return the weather of a city."""
            return f"18 degrees in {city}"

        talk = llm.get_model(self.model).conversation(tools=[get_weather])
        assert "18 degrees" in "".join(talk.chain("How is the weather in Paris?"))
        assert talk.chain("Thanks.").text() == "You wrote: Thanks."
        audio_api.verify(self.calls, times=3)


class TestChat(TestResponses):
    calls = "/v1/chat/completions"
    model = "gpt-4o-mini"


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "llm", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_the_command_is_answered_by_the_default_model(audio_api: AudioApi) -> None:
    audio_api.on_response(user_text="Hi.").reply("Hello.")
    done = command("Hi.")
    assert done.stdout == "Hello.\n"
    assert "Reading the request" in done.stderr  # the summary of the reasoning
    audio_api.verify_response(times=1)


def test_the_command_is_answered_by_a_model_of_chat_completions(audio_api: AudioApi) -> None:
    audio_api.on_chat(user_text="Hi.").reply("Hello.")
    done = command("-m", "gpt-4o-mini", "Hi.")
    assert (done.stdout, done.stderr) == ("Hello.\n", "")
    audio_api.verify_chat(times=1)
