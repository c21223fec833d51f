"""The beta of the Realtime API, for clients that still speak it."""

from __future__ import annotations

import io
import json
import wave
from typing import Any

import pytest

from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.realtime.conftest import RATE, Body, Connect, Talk, kinds, silence
from tests.providers.openai.realtime.replay import Replay

BETA = {"OpenAI-Beta": "realtime=v1", "x-mock-realtime-beta": "true"}
PREVIEW = "model=gpt-4o-realtime-preview-2024-12-17"


@pytest.fixture
def old(connect: Connect) -> Talk:
    """Return a conversation of the beta, whose conversation is announced."""
    talk = connect(PREVIEW, headers=BETA)
    assert talk.receive()["type"] == "conversation.created"
    return talk


def updated(talk: Talk, **session: Any) -> Body:
    """Update the session, and return it as it is shown."""
    talk.send("session.update", session=session)
    shown: Body = talk.until("session.updated")[-1]["session"]
    return shown


def test_a_recorded_session_is_replayed(connect: Connect, api: AudioApi) -> None:
    api.on("realtime").say("Hello there!")
    Replay("beta_spoken_reply", connect(PREVIEW, headers=BETA)).run()


def test_no_event_of_the_present_api_is_sent(old: Talk, api: AudioApi) -> None:
    api.on("realtime").say("Hello there!")
    old.say("Hello.")
    events = old.until("response.done")
    assert "rate_limits.updated" in kinds(events)
    for event in events:
        assert "output_audio" not in json.dumps(event).replace("output_audio_format", "")
        assert "output_text" not in json.dumps(event)
        assert "obfuscation" not in event
        assert "output_modalities" not in json.dumps(event)
    assert not {"conversation.item.added", "conversation.item.done"} & set(kinds(events))
    assert kinds(events).count("conversation.item.created") == 2


def test_a_written_response(old: Talk, api: AudioApi) -> None:
    api.on("realtime").reply(text="It is sunny.")
    old.say("Hello.", modalities=["text"], temperature=0.6, max_output_tokens=50)
    events = old.until("response.done")
    assert kinds(events)[-5:] == [
        "response.text.delta",
        "response.text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.done",
    ]
    response = events[-1]["response"]
    assert response["output"][0]["content"] == [{"type": "text", "text": "It is sunny."}]
    assert (response["modalities"], response["temperature"], response["max_output_tokens"]) == (
        ["text"],
        0.6,
        50,
    )


def test_a_session_is_updated_in_the_flat_form(old: Talk) -> None:
    shown = updated(
        old,
        modalities=["text"],
        voice="verse",
        input_audio_format="g711_ulaw",
        output_audio_format="g711_alaw",
        input_audio_noise_reduction={"type": "far_field"},
        turn_detection={"type": "semantic_vad", "eagerness": "high"},
        temperature=1,
        max_response_output_tokens=100,
        speed=1.25,
        tool_choice="required",
    )
    assert shown["modalities"] == ["text"]
    assert (shown["voice"], shown["speed"], shown["temperature"]) == ("verse", 1.25, 1)
    assert (shown["input_audio_format"], shown["output_audio_format"]) == ("g711_ulaw", "g711_alaw")
    assert shown["input_audio_noise_reduction"] == {"type": "far_field"}
    assert shown["turn_detection"]["eagerness"] == "high"
    assert (shown["max_response_output_tokens"], shown["tool_choice"]) == (100, "required")
    off = updated(old, turn_detection=None, input_audio_noise_reduction=None)
    assert (off["turn_detection"], off["input_audio_noise_reduction"]) == (None, None)
    assert off | {name: shown[name] for name in ("turn_detection", "input_audio_noise_reduction")} == shown
    assert updated(old, turn_detection={"threshold": 0.3})["turn_detection"]["type"] == "server_vad"


@pytest.mark.parametrize(
    ("session", "code", "param", "message"),
    [
        ({"type": "realtime"}, "unknown_parameter", "session.type", "Unknown parameter: 'session.type'."),
        (
            {"output_modalities": ["text"]},
            "unknown_parameter",
            "session.output_modalities",
            "Unknown parameter: 'session.output_modalities'.",
        ),
        (
            {"modalities": ["audio"]},
            "invalid_value",
            "session.modalities",
            "Invalid modalities: ['audio']. Supported combinations are: ['text'] and ['audio', 'text'].",
        ),
        (
            {"input_audio_transcription": {"model": "whisper-1", "enabled": True}},
            "unknown_parameter",
            "session.input_audio_transcription.enabled",
            "Unknown parameter: 'session.input_audio_transcription.enabled'.",
        ),
        (
            {"voice": "marin"},
            "invalid_value",
            "session.voice",
            (
                "Invalid value: 'marin'. Supported values are: 'alloy', 'ash', 'ballad', 'coral', 'echo', 'sage', "
                "'shimmer', and 'verse'."
            ),
        ),
        (
            {"max_response_output_tokens": 5000},
            "integer_above_max_value",
            "session.max_response_output_tokens",
            (
                "Invalid 'session.max_response_output_tokens': integer above maximum value. Expected a value <= 4096, but "
                "got 5000 instead."
            ),
        ),
        (
            {"input_audio_transcription": {"model": "whisper-1", "delay": "low"}},
            "invalid_value",
            "session.input_audio_transcription.delay",
            "The 'delay' parameter is not supported for this model.",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_refusals_name_the_places_of_the_beta(
    old: Talk, session: Body, code: str, param: str, message: str
) -> None:
    old.send("session.update", session=session)
    error = old.error()
    assert (error["code"], error["param"], error["message"]) == (code, param, message)


def test_the_temperature_of_a_refused_event_is_dropped(old: Talk) -> None:
    old.send("session.update", session={"temperature": 1, "voice": "nobody"})
    assert old.error()["param"] == "session.voice"
    assert updated(old, modalities=["text"])["temperature"] == 0.8
    old.send("response.create", response={"temperature": 0.6, "max_output_tokens": 5000})
    assert old.error()["param"] == "response.max_output_tokens"
    old.say("Hello.")
    assert old.until("response.created")[-1]["response"]["temperature"] == 0.8
    old.send("response.create", response={"temperature": 0.6})  # while the other one is in progress
    assert old.until("response.done", "error")[-1]["type"] == "error"
    assert old.until("response.done")[-1]["response"]["temperature"] == 0.8


def test_an_event_that_the_beta_does_not_have_is_refused_with_its_own(old: Talk) -> None:
    old.send("session.close")
    message = old.error()["message"]
    assert message.startswith(
        "Invalid value: 'session.close'. Supported values are: 'session.update', 'transc"
    )
    old.socket.send("{}")
    assert old.error()["message"] == "The 'type' field is missing."


def test_the_assistant_s_messages_have_the_old_parts(old: Talk) -> None:
    content = [{"type": "text", "text": "I am here."}]
    old.send("conversation.item.create", item={"type": "message", "role": "assistant", "content": content})
    item = old.until("conversation.item.created")[-1]["item"]
    assert item["content"] == content
    assert list(item)[:3] == ["id", "object", "type"]


def test_a_transcription_session(connect: Connect, hello: tuple[str, bytes]) -> None:
    talk = connect("intent=transcription", headers=BETA, created=False)
    created = talk.receive()
    assert created["type"] == "transcription_session.created"
    assert list(created["session"]) == [
        *(
            "id",
            "object",
            "expires_at",
            "input_audio_noise_reduction",
            "turn_detection",
            "input_audio_format",
        ),
        *("input_audio_transcription", "client_secret", "include"),
    ]
    transcription = {"model": "gpt-4o-transcribe", "language": "en"}
    session = {"input_audio_transcription": transcription, "turn_detection": None}
    talk.send("transcription_session.update", session=session)
    shown = talk.until("transcription_session.updated")[-1]["session"]
    assert shown["input_audio_transcription"] == {**transcription, "prompt": None}
    with wave.open(io.BytesIO(hello[1])) as file:
        assert file.getframerate() == RATE
        talk.append(file.readframes(file.getnframes()) + silence(200))
    talk.send("input_audio_buffer.commit")
    events = talk.until("conversation.item.input_audio_transcription.completed")
    assert kinds(events)[:2] == ["input_audio_buffer.committed", "conversation.item.created"]
    assert list(events[-1]) == ["type", "event_id", "item_id", "content_index", "transcript"]
    assert events[-1]["transcript"] == "Hello world, this is a test."


def test_the_two_kinds_of_sessions_have_updates_of_their_own(old: Talk) -> None:
    old.send("transcription_session.update", session={})
    message = "Passing a transcription session update event to a realtime session is not allowed."
    assert old.error()["message"] == message


def test_the_journal_has_the_events_as_they_were_sent(old: Talk, api: AudioApi) -> None:
    old.say("Hello.", modalities=["text"])
    old.until("response.done")
    old.socket.close()
    api.wait_for("realtime")
    assert "response.text.done" in json.dumps(api.journal)
