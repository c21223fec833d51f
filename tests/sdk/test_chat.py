"""The official SDK for JavaScript and TypeScript chats, in writing and in speech."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.testing.mock_server import MockServer
from tests.sdk.node import run_session

pytestmark = pytest.mark.slow

HEARD = "I heard you say: Hello world, this is a test."


@pytest.fixture(scope="module")
def seen(server: MockServer) -> dict[str, Any]:
    """Return the report of a session in Node."""
    result: dict[str, Any] = run_session("chat.mjs", server, api_key="sk-mock-tier-5-npm-chat")
    return result


def test_it_is_heard_and_answered(seen: dict[str, Any]) -> None:
    assert seen["answer"] == HEARD


def test_earlier_speech_is_referred_to_by_its_id(seen: dict[str, Any]) -> None:
    assert seen["secondAnswer"] == "You wrote: And now?"
    assert seen["audioTokensOfPrompt"] == 20 + seen["bytesOfFirst"] // 2400


def test_a_tool_is_called_and_its_result_repeated(seen: dict[str, Any]) -> None:
    assert seen["call"] == {"name": "get_weather", "finish": "tool_calls", "city": "string"}
    assert seen["result"] == "The tool answered: 18 degrees"


def test_streamed_playback_is_transcribed_back(seen: dict[str, Any]) -> None:
    assert seen["streamed"]["transcript"] == HEARD
    assert seen["playback"] == HEARD
    usage = seen["streamed"]["usage"]
    assert usage["completion_tokens_details"]["audio_tokens"] == seen["bytesOfFirst"] // 2400


def test_a_text_is_streamed(seen: dict[str, Any]) -> None:
    assert seen["text"] == "You wrote: Hi."


def test_streamed_choices_and_calls_are_gathered(seen: dict[str, Any]) -> None:
    weather, both = '{"of":"Weather?"}', '{"of": "Weather and time?"}'
    assert seen["gathered"]["one"] == [["tool_calls", None, [["get_weather", weather]]]]
    calls = [["get_weather", both], ["get_time", both]]
    assert seen["gathered"]["several"] == [["tool_calls", None, calls]] * 2
    assert seen["gathered"]["none"] == [["stop", "You wrote: Hi.", []]] * 2


def test_its_helpers_run_tools_and_send_back_what_they_parsed(seen: dict[str, Any]) -> None:
    assert seen["ran"] == ["The tool answered: 18 degrees in Weather?"] * 2
    assert seen["sentBack"] == "The tool answered: rain"


def test_a_stored_completion_is_read_listed_and_deleted(seen: dict[str, Any]) -> None:
    assert seen["stored"] == "You wrote: Hi."
    assert seen["messages"] == ["Hi"]
    assert seen["listed"] == [True]
    assert seen["deleted"] is True


@pytest.mark.parametrize(
    ("name", "status", "code", "param"),
    [
        ("silent", 400, "invalid_value", "model"),
        ("format", 400, "unsupported_value", "audio.format"),
        ("audio", 400, "invalid_value", "messages[0]"),
        ("forgotten", 404, "not_found", "completion_id"),
    ],
)
def test_refusals_are_the_sdks_own_errors(
    seen: dict[str, Any], name: str, status: int, code: str, param: str
) -> None:
    kind = "NotFoundError" if status == 404 else "BadRequestError"
    assert seen["refusals"][name] == {"kind": kind, "status": status, "code": code, "param": param}
