"""Steering of responses over a WebSocket, with the official SDK."""

from __future__ import annotations

from typing import Any

import pytest
from openai.resources.responses.responses import ResponsesConnection

from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.responses.test_create import WEATHER

# The SDK connects in a way that newer versions of the library discourage.
pytestmark = pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")

MODEL = "gpt-6-astra"


def until(connection: ResponsesConnection, kind: str) -> list[Any]:
    events: list[Any] = []
    while not events or events[-1].type != kind:
        events.append(connection.recv())
    return events


def test_a_successor_continues_the_response_with_the_input(
    api: AudioApi, connection: ResponsesConnection
) -> None:
    api.on_response(user_text="Draft").reply("one two three four five six", tokens_per_second=20)
    connection.response.create(
        model=MODEL, input="Draft", store=False, instructions="Be brief.", stream_id="a"
    )
    (created,) = until(connection, "response.created")
    connection.response.steer(previous_response_id=created.response.id, input="Shorter.")
    events = [created, *until(connection, "response.completed")]
    (accepted,) = [event for event in events if event.type == "response.steer.accepted"]
    assert accepted.steer.id.startswith("steer_")
    assert accepted.steer.previous_response_id == created.response.id
    assert [event.sequence_number for event in events] == list(range(len(events)))
    successor = until(connection, "response.completed")
    assert successor[0].type == "response.created"
    response = successor[-1].response
    assert (response.previous_response_id, response.instructions) == (created.response.id, "Be brief.")
    assert response.output_text == "You wrote: Shorter."
    assert {event.stream_id for event in [*events, *successor]} == {"a"}
    assert [entry["user_text"] for entry in api.journal[1:]] == ["Draft", "Shorter."]


def test_input_waits_for_the_results_of_tools(api: AudioApi, connection: ResponsesConnection) -> None:
    api.on_response(user_text="Weather?").call_tool("get_weather", city="Rome")
    api.break_next("sse_delay", after=4, seconds=0.3)
    tools: Any = [WEATHER]
    connection.response.create(model=MODEL, input="Weather?", tools=tools)
    (created,) = until(connection, "response.created")
    connection.response.steer(
        previous_response_id=created.response.id,
        input=[{"type": "message", "role": "user", "content": "In Celsius."}],
    )
    completed = until(connection, "response.completed")[-1].response
    call = completed.output[-1]
    pending: Any = until(connection, "response.steer.pending")[-1]
    assert pending.reason == "waiting_for_required_input"
    (awaited,) = pending.required_input
    assert awaited.to_dict() == {
        "type": "function_call_output",
        "call_id": call.call_id,
        "name": "get_weather",
    }
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "20"}
    connection.response.create(model=MODEL, input=[result], tools=tools, previous_response_id=completed.id)
    until(connection, "response.completed")
    asked = api.journal[-1]["request"]["input"]
    assert [item["type"] for item in asked] == ["message", "function_call_output"]
    assert asked[0]["content"] == "In Celsius."


@pytest.mark.parametrize(
    ("event", "code"),
    [
        ({"previous_response_id": "resp_1", "input": "Shorter."}, "response_not_found"),
        ({"input": "Shorter."}, "invalid_input"),
        ({"previous_response_id": "resp_1", "input": []}, "invalid_input"),
        ({"previous_response_id": "resp_1", "input": [{"role": "system", "content": "x"}]}, "invalid_input"),
        ({"previous_response_id": "resp_1", "input": "x", "stream_id": "a"}, "invalid_input"),
    ],
)
def test_what_cannot_steer_is_returned(
    connection: ResponsesConnection, event: dict[str, Any], code: str
) -> None:
    sent: Any = {"type": "response.steer"} | event
    connection.send(sent)
    failed: Any = connection.recv()
    assert (failed.type, failed.error.code) == ("response.steer.failed", code)
    assert failed.steer.input == event["input"]


@pytest.mark.parametrize(
    ("model", "code"), [("gpt-4o-mini", "steering_not_supported"), (MODEL, "response_already_completed")]
)
def test_some_responses_cannot_be_steered(connection: ResponsesConnection, model: str, code: str) -> None:
    connection.response.create(model=model, input="Hi.")
    completed = until(connection, "response.completed")[-1].response
    connection.response.steer(previous_response_id=completed.id, input="Shorter.")
    failed: Any = connection.recv()
    assert failed.error.code == code


def test_a_successor_that_is_refused_returns_the_input(
    api: AudioApi, connection: ResponsesConnection
) -> None:
    api.on_response(user_text="Draft").reply("one two three four five six", tokens_per_second=20)
    connection.response.create(model=MODEL, input="Draft", store=False)
    (created,) = until(connection, "response.created")
    connection.response.steer(previous_response_id=created.response.id, input="Shorter.")
    until(connection, "response.steer.accepted")
    api.fail_next("server_error")
    until(connection, "response.completed")
    refused: Any = connection.recv()
    failed: Any = connection.recv()
    assert (refused.type, refused.status) == ("error", 500)
    assert (failed.error.code, failed.steer.input) == ("successor_creation_failed", "Shorter.")
    assert failed.steer.id.startswith("steer_")
