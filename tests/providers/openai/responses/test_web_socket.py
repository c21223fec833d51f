"""Responses over a WebSocket, with the official SDK, and the events that refuse."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from openai.resources.responses.responses import ResponsesConnection
from openai.types.responses import ResponsesServerEvent
from pydantic import TypeAdapter
from websockets.exceptions import ConnectionClosed

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.providers.openai.responses.conftest import Responses
from tests.transport.talking_web_sockets import CREATE, answer, ask, open_socket

# The SDK connects in a way that newer versions of the library discourage.
pytestmark = pytest.mark.filterwarnings("ignore:connect\\(\\) must be used:DeprecationWarning")

EVENT: TypeAdapter[Any] = TypeAdapter(ResponsesServerEvent)
ENDS = ("response.completed", "response.incomplete", "response.failed", "error")


def last(connection: ResponsesConnection, lane: str | None = None) -> Any:
    """Return the last event of the next response, of a lane if one is given."""
    for event in connection:
        if event.type in ENDS and (lane is None or event.stream_id == lane):
            return event
    raise AssertionError("the connection ended")


def test_the_sdk_receives_the_events_of_a_stream(
    connection: ResponsesConnection, responses: Responses, schemas: Schemas
) -> None:
    expected = [event["type"] for event in responses.stream({"input": "Hi.", "store": False})]
    connection.response.create(model="gpt-4o-mini", input="Hi.", store=False)
    received = []
    for event in connection:
        received.append(event)
        if event.type in ENDS:
            break
    assert [event.type for event in received] == expected
    assert [getattr(event, "sequence_number") for event in received] == list(range(len(received)))  # noqa: B009
    for event in received:
        assert schemas.violations("openai/response.event", event.to_dict()) == []


def test_the_sdk_for_asyncio_uses_several_turns(server: MockServer, api_key: str) -> None:
    async def talk() -> list[str]:
        texts = []
        client = openai.AsyncOpenAI(base_url=server.base_url, api_key=api_key)
        async with client, client.responses.connect() as connected:
            previous: Any = openai.omit
            for text in ("One.", "Two."):
                await connected.response.create(
                    model="gpt-4o-mini", input=text, previous_response_id=previous, store=False
                )
                async for event in connected:
                    if event.type == "response.completed":
                        previous = event.response.id
                        texts.append(event.response.output_text)
                        break
        return texts

    assert asyncio.run(talk()) == ["You wrote: One.", "You wrote: Two."]


def test_what_is_not_stored_can_be_continued_on_its_connection_only(
    client: openai.OpenAI, connection: ResponsesConnection
) -> None:
    tokens = []
    previous: Any = openai.omit
    for _ in range(3):
        connection.response.create(
            model="gpt-4o-mini", input="Hi.", store=False, previous_response_id=previous
        )
        response = last(connection).response
        tokens.append(response.usage.input_tokens)
        previous = response.id
    assert tokens[0] < tokens[1] < tokens[2]  # each has the turns before it
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(previous)
    with client.responses.connect() as other:
        other.response.create(model="gpt-4o-mini", input="Hi.", previous_response_id=previous)
        refused = last(other)
    assert (refused.status, refused.error.code) == (400, "previous_response_not_found")
    assert refused.error.message == f"Previous response with id '{previous}' not found."


def test_stubs_match_what_the_connection_remembers(connection: ResponsesConnection, api: AudioApi) -> None:
    api.on_response(user_text="weather").call_tool("get_weather", city="Rome").then.say("It is sunny.")
    connection.response.create(model="gpt-4o-mini", input="How is the weather?", store=False)
    first = last(connection).response
    result: Any = {"type": "function_call_output", "call_id": first.output[0].call_id, "output": "sunny"}
    connection.response.create(
        model="gpt-4o-mini", input=[result], store=False, previous_response_id=first.id
    )
    assert last(connection).response.output_text == "It is sunny."


def test_only_the_latest_response_of_a_lane_is_remembered(connection: ResponsesConnection) -> None:
    def create(**more: Any) -> Any:
        connection.response.create(model="gpt-4o-mini", input="Hi.", store=False, **more)
        return last(connection)

    first = create(stream_id="main").response.id
    fork = create(stream_id="fork", previous_response_id=first).response.id
    second = create(stream_id="main", previous_response_id=first).response.id
    assert create(stream_id="main", previous_response_id=first).error.code == "previous_response_not_found"
    assert create(stream_id="fork", previous_response_id=fork).type == "response.completed"
    assert create(stream_id="main", previous_response_id=second).type == "response.completed"


def test_a_refused_request_makes_its_connection_forget_what_it_continued(
    connection: ResponsesConnection,
) -> None:
    connection.response.create(model="gpt-4o-mini", input="Hi.", store=False)
    previous = last(connection).response.id
    connection.response.create(model="no-model", input="Hi.", previous_response_id=previous)
    assert last(connection).error.code == "model_not_found"
    connection.response.create(model="gpt-4o-mini", input="Hi.", previous_response_id=previous)
    assert last(connection).error.code == "previous_response_not_found"


def test_what_is_stored_can_be_continued_by_http(
    client: openai.OpenAI, connection: ResponsesConnection
) -> None:
    connection.response.create(model="gpt-4o-mini", input="Hi.")
    stored = last(connection).response
    assert client.responses.retrieve(stored.id).output_text == stored.output_text
    assert client.responses.create(model="gpt-4o-mini", input="So?", previous_response_id=stored.id).output


def test_lanes_are_answered_at_the_same_time_and_in_order(
    api: AudioApi, connection: ResponsesConnection
) -> None:
    api.on_response(user_text="slow").reply("slow", delay=0.5)
    for lane, text in (("a", "slow"), ("a", "second"), ("b", "third")):
        connection.response.create(model="gpt-4o-mini", input=text, stream_id=lane)
    ended = [last(connection) for _ in range(3)]
    assert [event.stream_id for event in ended] == ["b", "a", "a"]
    assert [event.response.output_text for event in ended[1:]] == ["slow", "You wrote: second."]


def test_a_prepared_response_has_no_output_and_uses_no_stub(
    api: AudioApi, connection: ResponsesConnection
) -> None:
    api.on_response(times=1).reply("scripted")
    connection.response.create(model="gpt-4o-mini", input="Rules.", generate=False, store=False)
    prepared = last(connection).response
    assert (prepared.status, prepared.output, prepared.usage.output_tokens) == ("completed", [], 0)
    connection.response.create(
        model="gpt-4o-mini", input="Go.", previous_response_id=prepared.id, store=False
    )
    response = last(connection).response
    assert response.output_text == "scripted"
    assert response.usage.input_tokens > prepared.usage.input_tokens


@pytest.mark.parametrize(
    ("event", "code", "param", "message"),
    [
        ("{", None, None, "We could not parse the JSON body of your request."),
        ("[]", None, None, "We could not parse the JSON body of your request."),
        ({"type": "response.cancel"}, "invalid_value", "type", "Invalid value: 'response.cancel'."),
        (
            {"model": "gpt-4o-mini"},
            "missing_required_parameter",
            "type",
            "Missing required parameter: 'type'.",
        ),
        (CREATE | {"generate": 1}, "invalid_type", "generate", "Invalid type for 'generate'"),
        (CREATE | {"stream_id": ""}, "invalid_stream_id", "stream_id", "The 'stream_id' field must be"),
        (CREATE | {"stream_id": "a b"}, "invalid_stream_id", "stream_id", "The 'stream_id' field must be"),
        (CREATE | {"background": True}, None, "background", "Background mode is not supported"),
        (CREATE | {"temperature": 3}, "decimal_above_max_value", "temperature", "Invalid 'temperature'"),
        (CREATE | {"modle": "x"}, "unknown_parameter", "modle", "Unknown parameter: 'modle'."),
    ],
)
def test_what_is_refused_is_an_event_and_the_connection_stays(
    server: MockServer, event: Any, code: str | None, param: str | None, message: str
) -> None:
    with open_socket(server) as raw:
        raw.send(event if isinstance(event, str) else json.dumps(event))
        (refused,) = answer(raw)
        EVENT.validate_python(refused)
        assert list(refused) == ["type", "status", "error"]
        assert (refused["status"], refused["error"]["code"], refused["error"]["param"]) == (400, code, param)
        assert refused["error"]["message"].startswith(message)
        assert ask(raw)[-1]["type"] == "response.completed"


def test_a_connection_has_32_named_lanes(server: MockServer) -> None:
    with open_socket(server) as raw:
        for number in range(32):
            assert ask(raw, CREATE | {"stream_id": f"lane_{number}"})[-1]["stream_id"] == f"lane_{number}"
        refused = ask(raw, CREATE | {"stream_id": "lane_32"})[-1]
        assert (refused["error"]["code"], refused["stream_id"]) == (
            "websocket_stream_limit_reached",
            "lane_32",
        )
        assert ask(raw, CREATE | {"stream_id": "lane_0"})[-1]["type"] == "response.completed"
        assert ask(raw)[-1]["type"] == "response.completed"


def test_a_connection_ends_after_an_hour() -> None:
    with MockServer(Settings(port=0, whisper_model="none")) as server, open_socket(server) as raw:
        server.clock.advance(3599)
        assert ask(raw)[-1]["type"] == "response.completed"
        server.clock.advance(2)
        refused = ask(raw)[-1]
        assert refused["error"]["code"] == "websocket_connection_limit_reached"
        with pytest.raises(ConnectionClosed):
            raw.recv(timeout=20)


def test_limits_apply_to_each_response() -> None:
    with MockServer(Settings(port=0, whisper_model="none")) as server, open_socket(server) as raw:
        account = server.account("sk-mock-web-socket")
        account.fail_next("rate_limit_requests", retry_after=7)
        refused = ask(raw)[-1]
        assert (refused["status"], refused["error"]["code"]) == (429, "rate_limit_exceeded")
        assert refused["error"]["headers"]["retry-after"] == "7"
        assert ask(raw)[-1]["type"] == "response.completed"
