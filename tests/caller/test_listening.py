"""What the caller makes of events: turns and their transcripts, and events of other servers that are not as documented."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.caller.listening import Listening
from mockserver.caller.record import Said, Timeline

DETECTING = {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    1e400,
    "x",
    [],
    [1],
    {},
    {"id": []},
    {"audio": {"input": 3}},
    {"output": [3]},
)


def listening(*said: Said) -> Listening:
    heard = Listening(Timeline(list(said)), lambda _sound, _ms: None)
    heard.take({"type": "session.created", **DETECTING}, 0.0)
    return heard


def turn(heard: Listening, item_id: str, begin: float, end: float) -> None:
    """Have the server detect a turn."""
    started = {"item_id": item_id, "audio_start_ms": begin}
    stopped = {"item_id": item_id, "audio_end_ms": end}
    heard.take({"type": "input_audio_buffer.speech_started", **started}, begin + 400)
    heard.take({"type": "input_audio_buffer.speech_stopped", **stopped}, end)
    heard.take({"type": "input_audio_buffer.committed", "item_id": item_id}, end)


def transcribed(heard: Listening, item_id: str, transcript: str) -> None:
    kind = "conversation.item.input_audio_transcription.completed"
    heard.take({"type": kind, "item_id": item_id, "transcript": transcript}, 5000.0)


def test_a_sentence_of_two_turns_has_the_transcripts_of_both() -> None:
    said = Said("Yes. I do.", 0.0, 2000.0)
    heard = listening(said, Said("Bye.", 2000.0, 2600.0))
    turn(heard, "item_1", 0.0, 900.0)
    transcribed(heard, "item_1", "Yes.")
    assert not said.is_committed
    turn(heard, "item_2", 1100.0, 2200.0)
    assert said.is_committed
    assert said.transcript is None
    transcribed(heard, "item_2", "I do.")
    assert said.transcript == "Yes. I do."
    assert heard.timeline.said[1].transcript is None


def test_two_sentences_in_one_turn_have_its_transcript() -> None:
    said = [Said("Yes.", 0.0, 400.0), Said("I do so.", 400.0, 1500.0)]
    heard = listening(*said)
    turn(heard, "item_1", 0.0, 1700.0)
    transcribed(heard, "item_1", "Yes. I do so.")
    assert [each.transcript for each in said] == ["Yes. I do so."] * 2


def test_without_turn_detection_the_last_sentence_is_committed() -> None:
    said = [Said("Yes.", 0.0, 400.0), Said("No.", 900.0, 1500.0)]
    heard = listening(*said)
    heard.take({"type": "input_audio_buffer.committed", "item_id": "item_1"}, 1500.0)
    transcribed(heard, "item_1", "No.")
    assert [each.transcript for each in said] == [None, "No."]


def test_a_failed_transcription_has_its_reason() -> None:
    said = Said("Yes.", 0.0, 400.0)
    heard = listening(said)
    turn(heard, "item_1", 0.0, 600.0)
    kind = "conversation.item.input_audio_transcription.failed"
    heard.take({"type": kind, "item_id": "item_1", "error": {"message": "No."}}, 700.0)
    assert said.failure == "No."


@pytest.mark.parametrize("odd", ODD, ids=repr)
@pytest.mark.parametrize(
    "name",
    [
        *("session", "error", "item_id", "transcript", "response", "delta", "response_id", "content_index"),
        *("call_id", "arguments", "audio_start_ms"),
    ],
)
def test_members_of_another_type_are_ignored(name: str, odd: object) -> None:
    heard = listening(Said("Yes.", 0.0, 400.0))
    usual = {"response_id": "resp_1", "item_id": "item_1", "response": {"id": "resp_1"}, "delta": "AAAA"}
    for kind in (
        *("response.created", "response.output_audio.delta", "response.output_text.delta"),
        *("response.function_call_arguments.done", "input_audio_buffer.speech_started"),
        *("input_audio_buffer.speech_stopped", "input_audio_buffer.committed"),
        *(
            "conversation.item.input_audio_transcription.completed",
            "response.done",
            "error",
            "session.updated",
        ),
    ):
        heard.take({"type": kind, **usual, name: odd}, 500.0)
    assert heard.audio_format("output")
    assert heard.timeline.stretches
