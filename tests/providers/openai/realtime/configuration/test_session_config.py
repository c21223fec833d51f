"""The configuration of a session: what it begins with, what updates change, and what they are refused for."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mockserver.catalog.tables import Catalog
from tests.providers.openai.realtime.conftest import Body, Connect, Talk

PCM = {"type": "audio/pcm", "rate": 24000}
SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object"},
    "description": "Weather.",
}


def refused(talk: Talk, **session: Any) -> Body:
    """Send an update, and return the error that it is answered with."""
    talk.send("session.update", session={"type": "realtime", **session})
    return talk.error()


def heard(**members: Any) -> Body:
    """Return the ``audio`` of an update of the input."""
    return {"input": members}


def transcribed_by(model: str, **members: Any) -> Body:
    """Return the ``audio`` of an update of the transcription."""
    return heard(transcription={"model": model, **members})


def test_a_conversation_begins_with_the_recorded_members_in_their_order(talk: Talk) -> None:
    session = talk.events[0]["session"]
    assert session["id"].startswith("sess_")
    assert isinstance(session["expires_at"], int)
    assert len(session["instructions"]) == 505
    given = session | {"id": "", "expires_at": 0, "instructions": ""}
    assert list(given.items()) == [
        ("type", "realtime"),
        ("object", "realtime.session"),
        ("id", ""),
        ("model", "gpt-realtime"),
        ("output_modalities", ["audio"]),
        ("instructions", ""),
        ("tools", []),
        ("tool_choice", "auto"),
        ("max_output_tokens", "inf"),
        ("tracing", None),
        ("truncation", "auto"),
        ("prompt", None),
        ("expires_at", 0),
        (
            "audio",
            {
                "input": {
                    "format": PCM,
                    "transcription": None,
                    "noise_reduction": None,
                    "turn_detection": SERVER_VAD,
                },
                "output": {"format": PCM, "voice": "alloy", "speed": 1.0},
            },
        ),
        ("include", None),
    ]
    assert list(session["audio"]["input"]["turn_detection"]) == list(SERVER_VAD)


@pytest.mark.parametrize(
    ("model", "voice", "silence"),
    [
        ("gpt-realtime-mini", "alloy", 200),
        ("gpt-realtime-2.1", "marin", 500),
        ("gpt-realtime-2025-08-28", "alloy", 200),
    ],
)
def test_voice_and_silence_depend_on_the_model_which_keeps_its_name(
    connect: Connect, model: str, voice: str, silence: int
) -> None:
    session = connect(f"model={model}").events[0]["session"]
    assert session["model"] == model
    assert session["audio"]["output"]["voice"] == voice
    assert session["audio"]["input"]["turn_detection"]["silence_duration_ms"] == silence


def test_a_transcription_session_begins_with_fewer_members(transcribing: Talk) -> None:
    session = transcribing.events[0]["session"]
    assert list(session) == ["type", "object", "id", "expires_at", "audio", "include"]
    assert session["object"] == "realtime.transcription_session"
    detection = {name: SERVER_VAD[name] for name in list(SERVER_VAD)[:4]}
    nothing = {"transcription": None, "noise_reduction": None}
    assert session["audio"] == {"input": {"format": PCM, **nothing, "turn_detection": detection}}


def test_an_update_changes_what_it_gives_and_shows_the_whole_session(talk: Talk) -> None:
    before = talk.events[0]["session"]
    audio = {
        "input": {
            "format": {"type": "audio/pcmu"},
            "turn_detection": {"type": "server_vad", "create_response": False},
            "transcription": {"model": "gpt-realtime-whisper"},
            "noise_reduction": {"type": "near_field"},
        },
        "output": {"format": {"type": "audio/pcma"}, "voice": "cedar", "speed": 1.25},
    }
    after = talk.update(instructions="Be brief.", output_modalities=["text"], audio=audio, tools=[TOOL])
    assert list(after) == list(before)
    assert after["audio"]["input"] == {
        "format": {"type": "audio/pcmu"},
        "transcription": {"model": "gpt-realtime-whisper", "language": None, "prompt": None},
        "noise_reduction": {"type": "near_field"},
        "turn_detection": SERVER_VAD | {"create_response": False},
    }
    assert after["audio"]["output"] == audio["output"]
    assert (after["instructions"], after["output_modalities"]) == ("Be brief.", ["text"])
    assert list(after["tools"][0]) == ["type", "name", "description", "parameters"]
    last = talk.update(tool_choice="none")
    assert last == after | {"tool_choice": "none"}


def test_what_is_cleared_gets_its_default_or_is_off(talk: Talk) -> None:
    first = talk.events[0]["session"]
    talk.update(instructions="Be brief.", tools=[TOOL], audio=transcribed_by("whisper-1"))
    audio = heard(turn_detection=None, transcription=None, noise_reduction=None)
    after = talk.update(instructions="", tools=[], audio=audio)
    assert after["instructions"] == first["instructions"]
    assert after["tools"] == []
    off = {"transcription": None, "noise_reduction": None, "turn_detection": None}
    assert after["audio"]["input"] == {"format": PCM, **off}


def test_the_other_turn_detection_begins_with_its_own_defaults(talk: Talk) -> None:
    talk.update(audio=heard(turn_detection={"type": "server_vad", "threshold": 1, "create_response": False}))
    semantic = {"type": "semantic_vad", "eagerness": "low"}
    shown = talk.update(audio=heard(turn_detection=semantic))["audio"]["input"]["turn_detection"]
    assert shown == {**semantic, "create_response": True, "interrupt_response": True}
    again = talk.update(audio=heard(turn_detection={"type": "semantic_vad", "create_response": False}))
    assert again["audio"]["input"]["turn_detection"] == shown | {"create_response": False}
    back = talk.update(audio=heard(turn_detection={"type": "server_vad"}))
    assert back["audio"]["input"]["turn_detection"] == SERVER_VAD


def test_a_transcription_shows_languages_but_neither_keywords_nor_delay(transcribing: Talk) -> None:
    given = {"languages": ["de", "en"], "keywords": ["Aachen"], "delay": "low", "prompt": "A city."}
    audio = heard(transcription={"model": "gpt-live-transcribe", **given}, turn_detection=None)
    transcribing.send("session.update", session={"type": "transcription", "audio": audio})
    shown = transcribing.until("session.updated")[-1]["session"]["audio"]["input"]["transcription"]
    assert list(shown.items()) == [
        ("model", "gpt-live-transcribe"),
        ("language", None),
        ("languages", ["de", "en"]),
        ("prompt", "A city."),
    ]


def test_a_model_that_streams_turns_off_the_turn_detection_of_a_transcription_session(
    transcribing: Talk, talk: Talk
) -> None:
    audio = transcribed_by("gpt-realtime-whisper")
    session = {"type": "transcription", "audio": audio}
    transcribing.send("session.update", session=session)
    shown = transcribing.until("session.updated")[-1]["session"]
    assert shown["audio"]["input"]["turn_detection"] is None
    audio["input"]["turn_detection"] = {"type": "server_vad"}
    transcribing.send("session.update", session=session)
    assert transcribing.error() == {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": "Turn detection is not supported for this transcription model.",
        "param": "session.audio.input.turn_detection",
        "event_id": None,
    }
    in_conversation = talk.update(audio=transcribed_by("gpt-realtime-whisper"))
    assert in_conversation["audio"]["input"]["turn_detection"] == SERVER_VAD


def test_a_refused_update_changes_nothing(talk: Talk) -> None:
    error = refused(talk, instructions="Be brief.", output_modalities=["audio", "text"])
    assert error == {
        "type": "invalid_request_error",
        "code": "invalid_value",
        "message": "Invalid modalities: ['audio', 'text']. Supported combinations are: ['text'] and ['audio'].",
        "param": "session.output_modalities",
        "event_id": None,
    }
    assert talk.update() == talk.events[0]["session"]


@pytest.mark.parametrize(
    ("session", "code", "param", "words"),
    [
        ({"model": "gpt-realtime-mini"}, "invalid_value", "session.model", "cannot be changed"),
        (
            {"max_output_tokens": 4097},
            "integer_above_max_value",
            "session.max_output_tokens",
            "<= 4096, but got 4097",
        ),
        (
            {"reasoning": {"effort": "low"}},
            "invalid_value",
            "session.reasoning",
            "'reasoning' parameter is not supported",
        ),
        (
            {"parallel_tool_calls": True},
            "invalid_value",
            "session.parallel_tool_calls",
            "is not supported for this model.",
        ),
        (
            {"audio": {"output": {"voice": "nobody"}}},
            "invalid_value",
            "session.audio.output.voice",
            (
                "Invalid value: 'nobody'. Supported values are: 'alloy', 'ash', 'ballad', 'coral', 'echo', 'sage', "
                "'shimmer', 'verse', 'marin', and 'cedar'."
            ),
        ),
        ({"audio": {"output": {"voice": {"id": "voice_1"}}}}, None, "session.audio.output.voice", "voice_1"),
        (
            {"audio": transcribed_by("gpt-nope")},
            "invalid_model",
            None,
            'Model "gpt-nope" is not supported in transcription',
        ),
        (
            {"audio": transcribed_by("gpt-realtime")},
            "invalid_model",
            None,
            "is not supported in transcription mode.",
        ),
        (
            {"audio": heard(transcription={})},
            "missing_required_parameter",
            "session.audio.input.transcription.model",
            "",
        ),
        (
            {"audio": heard(noise_reduction={})},
            "missing_required_parameter",
            "session.audio.input.noise_reduction.type",
            "",
        ),
        (
            {"audio": transcribed_by("gpt-4o-transcribe", language="en-US")},
            "invalid_value",
            "session.audio.input.transcription.language",
            "Invalid value: 'en-US'. Supported values are: 'af', 'ar', 'az', 'be', 'bg', 'bs', 'ca', 'cs', 'cy',",
        ),
        (
            {"audio": transcribed_by("gpt-live-transcribe", languages=["de", "xx"])},
            "invalid_value",
            "session.audio.input.transcription.languages[1]",
            "Language code 'xx' is not recognized.",
        ),
        (
            {"max_output_tokens": 1e9},
            "integer_above_max_value",
            "session.max_output_tokens",
            "got 1000000000",
        ),
        ({"instructions": "word " * 17_000}, "invalid_value", "session.instructions", "at most 16384"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_the_model_cannot_do_is_refused(
    talk: Talk, session: Body, code: str | None, param: str | None, words: str
) -> None:
    error = refused(talk, **session)
    assert error["param"] == param
    assert code is None or error["code"] == code
    assert words in error["message"]
    assert talk.update() == talk.events[0]["session"]


@pytest.mark.parametrize(
    "model", [each for each in Catalog().models if each.live_transcription], ids=lambda card: card.id
)
def test_each_transcription_model_accepts_what_it_has_and_refuses_the_rest(talk: Talk, model: Any) -> None:
    values = {"prompt": "A city.", "languages": ["de"], "keywords": ["Aachen"], "delay": "high"}
    for name, value in values.items():
        if getattr(model.live_transcription, name):
            talk.update(audio=transcribed_by(model.id, **{name: value}))
            talk.update(audio=heard(transcription=None))
            continue
        error = refused(talk, audio=transcribed_by(model.id, **{name: value}))
        assert error["message"] == f"The '{name}' parameter is not supported for this model."
        assert (error["code"], error["param"]) == (
            "invalid_value",
            f"session.audio.input.transcription.{name}",
        )


def test_another_transcription_model_begins_without_the_members_of_the_first(talk: Talk) -> None:
    talk.update(audio=transcribed_by("gpt-4o-transcribe", language="de", prompt="A city."))
    kept = talk.update(audio=heard(transcription={"prompt": None}))
    shown = kept["audio"]["input"]["transcription"]
    assert shown == {"model": "gpt-4o-transcribe", "language": "de", "prompt": None}
    other = talk.update(audio=transcribed_by("whisper-1"))["audio"]["input"]["transcription"]
    assert other == {"model": "whisper-1", "language": None, "prompt": None}


def test_newer_models_reason_and_have_larger_limits(connect: Connect) -> None:
    talk = connect("model=gpt-realtime-2.1")
    assert "reasoning" not in talk.events[0]["session"]
    after = talk.update(reasoning={"effort": "low"}, parallel_tool_calls=False, max_output_tokens=32_000)
    assert list(after)[-2:] == ["include", "reasoning"]
    assert after["reasoning"] == {"effort": "low"}
    assert refused(talk, max_output_tokens=32_001)["code"] == "integer_above_max_value"


def test_integers_may_be_written_with_a_fraction_of_zero(talk: Talk) -> None:
    times = {"prefix_padding_ms": 100.0, "silence_duration_ms": 500.0, "idle_timeout_ms": 6000.0}
    truncation = {
        "type": "retention_ratio",
        "retention_ratio": 0.5,
        "token_limits": {"post_instructions": 9.0},
    }
    audio = heard(turn_detection={"type": "server_vad", **times})
    talk.update(max_output_tokens=5.0, truncation=truncation, audio=audio)
    shown = talk.events[-1]["session"]
    detection = shown["audio"]["input"]["turn_detection"]
    limits = shown["truncation"]["token_limits"]
    integers = [
        shown["max_output_tokens"],
        limits["post_instructions"],
        *(detection[name] for name in times),
    ]
    assert json.dumps(integers) == "[5, 9, 100, 500, 6000]"


def test_another_name_of_the_model_is_no_change(talk: Talk) -> None:
    assert talk.update(model="gpt-realtime-2025-08-28") == talk.events[0]["session"]
    assert refused(talk, model="gpt-realtime-1.5")["param"] == "session.model"


def test_tracing_is_set_once(talk: Talk) -> None:
    assert talk.update(tracing="auto")["tracing"] == "auto"
    assert talk.update(tracing="auto")["tracing"] == "auto"
    assert refused(talk, tracing=None)["param"] == "session.tracing"


@pytest.mark.parametrize(
    ("query", "kind", "words"),
    [
        ("model=gpt-realtime", "transcription", "a transcription session update event to a realtime session"),
        ("intent=transcription", "realtime", "a realtime session update event to a transcription session"),
    ],
)
def test_the_two_kinds_of_sessions_cannot_be_exchanged(
    connect: Connect, query: str, kind: str, words: str
) -> None:
    talk = connect(query)
    talk.send("session.update", session={"type": kind})
    error = talk.error()
    assert error["message"] == f"Passing {words} is not allowed."
    assert (error["code"], error["param"]) == (None, None)


def test_the_voice_cannot_change_once_the_model_has_spoken(talk: Talk) -> None:
    talk.update(audio={"output": {"voice": "marin"}})
    talk.say("Say hello.")
    talk.until("response.done")
    talk.until("rate_limits.updated")
    error = refused(talk, audio={"output": {"voice": "cedar"}})
    assert error["code"] == "cannot_update_voice"
    assert error["message"] == "Cannot update a conversation's voice if assistant audio is present."
    talk.update(audio={"output": {"voice": "marin", "speed": 1.5}})


@pytest.mark.parametrize("strictness", ["schema", "off"])
def test_other_strictness_accepts_what_only_the_service_refuses(connect: Connect, strictness: str) -> None:
    talk = connect("model=gpt-realtime", headers={"x-mock-strictness": strictness})
    after = talk.update(
        output_modalities=["text", "audio"], bogus=1, audio={"input": {"transcription": {"model": "any"}}}
    )
    assert after["audio"]["input"]["transcription"]["model"] == "any"
    assert "bogus" not in after


def test_strictness_off_drops_what_is_invalid(connect: Connect) -> None:
    talk = connect("model=gpt-realtime", headers={"x-mock-strictness": "off"})
    tools = [{"type": "zzz"}, TOOL, 3, {"type": "function", "name": 5}]
    after = talk.update(
        instructions=["a"], tools=tools, tool_choice="all", audio={"output": {"speed": 9, "voice": "ash"}}
    )
    assert [tool["name"] for tool in after["tools"]] == ["get_weather"]
    assert after["tool_choice"] == "auto"
    assert after["audio"]["output"] == {"format": PCM, "voice": "ash", "speed": 1.0}
    assert after["instructions"] == talk.events[0]["session"]["instructions"]
