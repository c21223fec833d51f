"""The events of the client are validated at every level, and refused in the service's words."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver.providers.openai.realtime.configuration.client_events import valid_event
from mockserver.providers.openai.realtime.session import HANDLERS
from mockserver.resources import data_folder
from mockserver.validation.schemas import RequestSchemas, Schemas
from tests.providers.openai.realtime.conftest import Body, Connect, Talk

SUPPORTED = (
    "'session.update', 'session.close', 'input_audio_buffer.append', 'session.input_audio_buffer.append', "
    "'input_audio_buffer.commit', 'input_audio_buffer.clear', 'conversation.item.create', "
    "'conversation.item.truncate', 'conversation.item.delete', 'conversation.item.retrieve', 'response.create', "
    "and 'response.cancel'"
)
SCHEMAS = RequestSchemas(*(Schemas(data_folder("schemas"), real=real) for real in (False, True)))


def update(**session: Any) -> Body:
    return {"type": "session.update", "session": {"type": "realtime", **session}}


def created(**item: Any) -> Body:
    return {"type": "conversation.item.create", "item": item}


def said(*content: Any, role: str = "user") -> Body:
    return created(type="message", role=role, content=list(content))


@pytest.mark.parametrize(
    ("event", "code", "param", "message"),
    [
        ({}, "invalid_event", None, "The 'type' field is missing."),
        (
            {"type": "nope"},
            "invalid_value",
            "type",
            f"Invalid value: 'nope'. Supported values are: {SUPPORTED}.",
        ),
        (
            {"type": "output_audio_buffer.clear"},
            "invalid_value",
            "type",
            f"Invalid value: 'output_audio_buffer.clear'. Supported values are: {SUPPORTED}.",
        ),
        (
            {"type": "session.update"},
            "missing_required_parameter",
            "session",
            "Missing required parameter: 'session'.",
        ),
        (
            {"type": "session.update", "session": {}},
            "missing_required_parameter",
            "session.type",
            "Missing required parameter: 'session.type'.",
        ),
        (
            {"type": "session.update", "session": {"type": "other"}},
            "invalid_value",
            "session.type",
            "Invalid value: 'other'. Supported values are: 'realtime' and 'transcription'.",
        ),
        (
            update(bogus_field=1),
            "unknown_parameter",
            "session.bogus_field",
            "Unknown parameter: 'session.bogus_field'.",
        ),
        (
            update(tools=[{"type": "function", "name": "a", "strict": True}]),
            "unknown_parameter",
            "session.tools[0].strict",
            "Unknown parameter: 'session.tools[0].strict'.",
        ),
        (
            update(audio={"input": {"format": {"type": "audio/pcm", "rate": 16000}}}),
            "integer_below_min_value",
            "session.audio.input.format.rate",
            (
                "Invalid 'session.audio.input.format.rate': integer below minimum value. Expected a value >= 24000, but got "
                "16000 instead."
            ),
        ),
        (
            update(audio={"output": {"format": {"type": "audio/pcm"}}}),
            "missing_required_parameter",
            "session.audio.output.format.rate",
            "Missing required parameter: 'session.audio.output.format.rate'.",
        ),
        (
            update(audio={"input": {"format": "pcm16"}}),
            "invalid_type",
            "session.audio.input.format",
            "Invalid type for 'session.audio.input.format': expected an object, but got a string instead.",
        ),
        (
            update(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": None}}}),
            "invalid_type",
            "session.audio.input.turn_detection.create_response",
            (
                "Invalid type for 'session.audio.input.turn_detection.create_response': expected a boolean, but got null "
                "instead."
            ),
        ),
        (
            update(audio={"input": {"transcription": {"model": "gpt-realtime-whisper", "delay": "bogus"}}}),
            "invalid_value",
            "session.audio.input.transcription.delay",
            "Invalid value: 'bogus'. Supported values are: 'minimal', 'low', 'medium', 'high', and 'xhigh'.",
        ),
        (
            update(audio={"input": {"turn_detection": {"type": "semantic_vad", "threshold": 0.5}}}),
            "unknown_parameter",
            "session.audio.input.turn_detection.threshold",
            "Unknown parameter: 'session.audio.input.turn_detection.threshold'.",
        ),
        (
            update(audio={"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 4999}}}),
            "integer_below_min_value",
            "session.audio.input.turn_detection.idle_timeout_ms",
            (
                "Invalid 'session.audio.input.turn_detection.idle_timeout_ms': integer below minimum value. Expected a value "
                ">= 5000, but got 4999 instead."
            ),
        ),
        (
            update(audio={"output": {"speed": 1.6}}),
            "decimal_above_max_value",
            "session.audio.output.speed",
            (
                "Invalid 'session.audio.output.speed': decimal above maximum value. Expected a value <= 1.5, but got 1.6 "
                "instead."
            ),
        ),
        (
            update(max_output_tokens="all"),
            "invalid_value",
            "session.max_output_tokens",
            "Invalid value: 'all'. Supported values are: 'inf'.",
        ),
        (
            update(max_output_tokens=None),
            "invalid_type",
            "session.max_output_tokens",
            "Invalid type for 'session.max_output_tokens': expected one of an integer or 'inf', but got null instead.",
        ),
        (
            {"type": "conversation.item.truncate", "item_id": "item_1", "audio_end_ms": 1},
            "missing_required_parameter",
            "content_index",
            "Missing required parameter: 'content_index'.",
        ),
        (
            said({"type": "input_text"}),
            "missing_required_parameter",
            "item.content[0].text",
            "Missing required parameter: 'item.content[0].text'.",
        ),
        (
            said({"type": "text", "text": "Hello."}, role="assistant"),
            "invalid_value",
            "item.content[0].type",
            "Invalid value: 'text'. Supported values are: 'output_text' and 'output_audio'.",
        ),
        (
            created(type="function_call_output", call_id="a b", output=""),
            "invalid_value",
            "item.call_id",
            (
                "Invalid 'item.call_id': string does not match pattern. Expected a string that matches the pattern "
                "'^[a-zA-Z0-9_-]+$'."
            ),
        ),
        (
            {"type": "response.create", "response": {"input": [{"type": "item_reference"}]}},
            "missing_required_parameter",
            "response.input[0].id",
            "Missing required parameter: 'response.input[0].id'.",
        ),
        (
            {"type": "response.create", "response": {"conversation": "all"}},
            "invalid_value",
            "response.conversation",
            "Invalid value: 'all'. Supported values are: 'auto' and 'none'.",
        ),
        (
            {"type": "response.create", "response": {"output_modalities": []}},
            "invalid_value",
            "response.output_modalities",
            "Invalid modalities: []. Supported combinations are: ['text'] and ['audio'].",
        ),
        (
            {"type": "response.create", "response": {"audio": {"output": {"voice": "onyx"}}}},
            "invalid_value",
            "response.audio.output.voice",
            (
                "Invalid value: 'onyx'. Supported values are: 'alloy', 'ash', 'ballad', 'coral', 'echo', 'sage', "
                "'shimmer', 'verse', 'marin', and 'cedar'."
            ),
        ),
        (
            {"type": "response.create", "response": {"max_output_tokens": 4097}},
            "integer_above_max_value",
            "response.max_output_tokens",
            (
                "Invalid 'response.max_output_tokens': integer above maximum value. Expected a value <= 4096, but got 4097 "
                "instead."
            ),
        ),
        (
            {"type": "response.create", "response": {"metadata": {"a": 1}}},
            "invalid_type",
            "response.metadata.a",
            "Invalid type for 'response.metadata.a': expected a string, but got an integer instead.",
        ),
        (
            {"type": "input_audio_buffer.append", "audio": [0]},
            "invalid_type",
            "audio",
            "Invalid type for 'audio': expected a string, but got an array instead.",
        ),
        (
            {"type": "response.cancel", "reason": "x"},
            "unknown_parameter",
            "reason",
            "Unknown parameter: 'reason'.",
        ),
        (
            {"type": "session.close"},
            "invalid_value",
            "type",
            "The event 'session.close' is only supported in translation sessions.",
        ),
    ],
    ids=lambda value: json.dumps(value)[:60] if isinstance(value, dict) else "",
)
def test_what_is_wrong_is_refused_and_the_session_continues(
    talk: Talk, event: Body, code: str, param: str | None, message: str
) -> None:
    talk.socket.send(json.dumps({**event, "event_id": "mine_1"}))
    assert talk.error() == {
        "type": "invalid_request_error",
        "code": code,
        "message": message,
        "param": param,
        "event_id": "mine_1",
    }
    assert talk.update() == talk.events[0]["session"]


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '{"type": "response.create", "type": NaN}', "{" * 5000])
def test_what_is_no_json_object_is_refused(talk: Talk, text: str) -> None:
    talk.socket.send(text)
    error = talk.error()
    assert error["message"].startswith("Invalid event: failed to parse JSON value.")
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_json", None, None)


def test_a_binary_message_is_refused(talk: Talk) -> None:
    talk.socket.send(b'{"type": "response.create"}')
    error = talk.error()
    assert error["message"] == "Expected a text WebSocket message; binary frames are not supported."
    assert error["code"] == "invalid_event"


@pytest.mark.parametrize("event_id", [3, "x" * 513, ["a"], {}])
def test_an_event_id_that_cannot_be_is_refused(talk: Talk, event_id: Any) -> None:
    talk.send("input_audio_buffer.clear", event_id=event_id)
    error = talk.error()
    assert error["param"] == "event_id"
    assert error["event_id"] == (event_id if isinstance(event_id, str) else None)


def test_responses_belong_to_conversations(transcribing: Talk) -> None:
    transcribing.send("response.create")
    error = transcribing.error()
    assert error["message"] == "The event 'response.create' is not supported in transcription sessions."


def test_every_event_that_is_valid_has_a_handler() -> None:
    types = SCHEMAS.documented.properties("openai/realtime_client_event.request")["type"]["enum"]
    of_others = {"session.close", "session.input_audio_buffer.append", "output_audio_buffer.clear"}
    assert set(types) - of_others == HANDLERS.keys() - of_others


def test_members_that_are_null_are_accepted_where_null_has_a_meaning(talk: Talk) -> None:
    talk.send("response.create", response=None, event_id=None)
    talk.until("response.done")
    item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Hello."}]}
    talk.until("rate_limits.updated")
    talk.send("conversation.item.create", previous_item_id=None, item=item)
    assert talk.until("conversation.item.done")


def test_a_million_faults_are_refused_as_fast_as_one(talk: Talk) -> None:
    content = [{"type": "input_text", "text": 1}] * 20_000
    talk.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
    assert talk.error()["param"] == "item.content[0].text"


def test_strictness_off_drops_invalid_members_at_their_places() -> None:
    event = {
        "type": "response.create",
        "response": {"instructions": 3, "tools": [{"type": "zz"}, {"type": "function", "name": "a"}], "x": 1},
        "event_id": 4,
    }
    given = valid_event(event, SCHEMAS, "off")
    assert given == {
        "type": "response.create",
        "response": {"tools": [{"type": "function", "name": "a"}], "x": 1},
    }
    assert event["event_id"] == 4


def test_what_is_nested_too_deeply_to_be_repaired_is_refused(connect: Connect) -> None:
    talk = connect("model=gpt-realtime", headers={"x-mock-strictness": "off"})
    nested = '{"a":' * 900 + "1" + "}" * 900
    talk.socket.send(f'{{"type": "session.update", "session": {{"type": 5, "tools": [{nested}]}}}}')
    assert talk.error()["param"] == "session.type"


def test_what_is_missing_is_refused_in_strictness_off_too(connect: Connect) -> None:
    talk = connect("model=gpt-realtime", headers={"x-mock-strictness": "off"})
    talk.send("conversation.item.create", item={"role": 3})
    assert talk.error()["code"] == "missing_required_parameter"
    talk.send("nope")
    assert talk.error()["param"] == "type"
