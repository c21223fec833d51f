"""The official SDK for JavaScript and TypeScript understands every answer."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.testing.mock_server import MockServer
from tests.sdk.node import run_session

pytestmark = pytest.mark.slow

TEXT = "Hello from the other language."


@pytest.fixture(scope="module")
def seen(server: MockServer) -> dict[str, Any]:
    """Return the report of a session in Node."""
    result: dict[str, Any] = run_session("session.mjs", server)
    return result


def test_speech_comes_as_audio(seen: dict[str, Any]) -> None:
    assert seen["speechType"] == "audio/mpeg"


def test_it_is_heard_in_every_format(seen: dict[str, Any]) -> None:
    assert seen["json"] == {"text": TEXT, "usage": {"type": "duration", "seconds": 2}}
    assert seen["text"] == f"{TEXT}\n"
    assert [word["word"] for word in seen["verbose"]["words"]] == TEXT.rstrip(".").split()
    assert [segment["text"] for segment in seen["verbose"]["segments"]] == [f" {TEXT}"]
    assert [segment["speaker"] for segment in seen["diarized"]["segments"]] == ["A"]


def test_logprobs_add_up_to_the_text(seen: dict[str, Any]) -> None:
    assert "".join(each["token"] for each in seen["logprobs"]["logprobs"]) == TEXT


def test_a_stream_is_read_to_its_end(seen: dict[str, Any]) -> None:
    *deltas, done = seen["events"]
    assert {event["type"] for event in deltas} == {"transcript.text.delta"}
    assert "".join(event["delta"] for event in deltas) == TEXT
    assert (done["type"], done["text"]) == ("transcript.text.done", TEXT)


def test_the_list_of_models_is_a_page(seen: dict[str, Any]) -> None:
    assert {"whisper-1", "gpt-4o-transcribe", "tts-1"} <= set(seen["models"])


@pytest.mark.parametrize(
    ("name", "refusal"),
    [
        ("model", {"kind": "NotFoundError", "status": 404, "code": "model_not_found", "param": None}),
        (
            "format",
            {
                "kind": "BadRequestError",
                "status": 400,
                "code": "unsupported_value",
                "param": "response_format",
            },
        ),
        ("key", {"kind": "AuthenticationError", "status": 401, "code": "invalid_api_key", "param": None}),
        ("quota", {"kind": "RateLimitError", "status": 429, "code": "insufficient_quota", "param": None}),
        ("file", {"kind": "BadRequestError", "status": 400, "code": None, "param": None}),
        ("voice", {"kind": "BadRequestError", "status": 400, "code": None, "param": None}),
    ],
)
def test_refusals_are_the_sdks_own_errors(seen: dict[str, Any], name: str, refusal: dict[str, Any]) -> None:
    assert seen["refusals"][name] == refusal
