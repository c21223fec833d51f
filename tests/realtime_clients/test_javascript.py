"""Clients in JavaScript, which use TLS: `openai`, `@openai/agents-realtime`, and `ai`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.realtime_clients.conftest import Say
from tests.realtime_clients.node import run

QUESTION = "What is the weather like in Paris?"


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    with MockServer(Settings(port=0), tls=True) as running:
        yield running


@pytest.fixture
def question(say: Say, tmp_path: Path) -> Path:
    """Return the question as a file of PCM, spoken by another server: the one under test must listen."""
    file = tmp_path / "question.pcm"
    file.write_bytes(say(QUESTION))
    return file


@pytest.mark.parametrize("client", ["openaiWs", "openaiWebSocket"])
def test_a_spoken_turn(server: MockServer, question: Path, client: str) -> None:
    turn = run(server, client, question)

    assert turn["said"] == f"I heard you say: {turn['heard']}"
    assert turn["heard"]
    assert turn["bytes"] > 48_000


def test_a_refused_model(server: MockServer) -> None:
    refusal = run(server, "refusedModel")

    assert refusal["code"] == 4000
    assert refusal["reason"] == "invalid_request_error.invalid_model"
    assert 'Model "gpt-nope" is not supported in realtime mode.' in refusal["message"]


def test_an_agent_calls_a_tool(server: MockServer, question: Path) -> None:
    session = run(server, "agent", question)

    assert session["errors"] == []
    assert len(session["cities"]) == 1
    assert session["said"] == "The tool answered: Sunny."
    assert "weather" in session["heard"].lower()


def test_a_streamed_transcription(server: MockServer, question: Path) -> None:
    assert "weather" in run(server, "aiTranscription", question)["text"].lower()
