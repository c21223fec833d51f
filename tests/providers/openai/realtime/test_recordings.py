"""Recorded sessions, replayed."""

from __future__ import annotations

import itertools
import wave
from pathlib import Path

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.conftest import DATA, FIXTURES
from tests.providers.openai.realtime.conftest import Body, Connect, Talk, silence
from tests.providers.openai.realtime.replay import Replay


def frames_of(file: Path) -> bytes:
    """Return the samples of a WAV file."""
    with wave.open(str(file)) as opened:
        frames: bytes = opened.readframes(opened.getnframes())
        return frames


TRANSCRIPTION = "conversation.item.input_audio_transcription."
HELLO = frames_of(FIXTURES / "hello.wav")
TURN = silence(500) + HELLO + silence(1_000)
ENDED = [HELLO, silence(700)]  # a turn in two appends
CALL = {"name": "get_weather", "arguments": '{"city": "Paris"}'}

# The URL's query, the audio that is appended, and the stub's reply, of the sessions that were derived.
DERIVED: dict[str, tuple[str, list[bytes], Body]] = {
    "cancelled_response": ("model=gpt-realtime", [], {"text": "word " * 3_000}),
    "inserted_items": ("model=gpt-realtime", [], {}),
    "interrupted_response": ("model=gpt-realtime", ENDED * 2, {"text": "word " * 3_000}),
    "response_apart": ("model=gpt-realtime", [], {}),
    "semantic_turn": ("model=gpt-realtime", [HELLO, silence(2_500)], {}),
    "tool_of_a_turn": ("model=gpt-realtime", ENDED, {"tool_calls": [CALL]}),
    "transcription_of_commits": ("intent=transcription", [HELLO, silence(500), HELLO], {}),
    "transcription_of_turns": ("intent=transcription", [TURN] * 2, {}),
    "transcription_while_spoken": ("intent=transcription", [HELLO, silence(500)], {}),
    "truncated_speech": ("model=gpt-realtime", [], {"say": "Hello."}),
}


@pytest.mark.parametrize("name", DERIVED)
def test_a_derived_session(connect: Connect, api: AudioApi, name: str) -> None:
    query, appended, reply = DERIVED[name]
    if "tool_calls" in reply:
        api.on("realtime").reply(**reply).then.say("Sun.")
    elif "say" in reply:
        api.on("realtime").say(reply["say"])
    elif reply:
        api.on("realtime").reply(reply["text"])
    talk, audio = connect(query), iter(appended)
    Replay(
        name, talk, append=lambda times: talk.append(next(audio)), beside=TRANSCRIPTION, folder="derived"
    ).run()


def test_all_derived_sessions_are_tried() -> None:
    assert sorted(file.stem for file in (DATA / "derived" / "realtime").iterdir()) == sorted(DERIVED)


def test_a_written_message_is_answered_with_speech(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("Hello there!")
    Replay("ga_text_in_audio_out", talk).run()


def test_a_tool_is_called_and_its_result_is_used(connect: Connect) -> None:
    """The client asks for the second response before the limits come, here within 200 ms of real time."""
    settings = Settings(port=0, whisper_model="none", realtime_pacing="real", time_scale=0.1)
    with MockServer(settings) as slow:
        calls = [{"name": "get_weather", "arguments": '{"city": "Paris"}'}]
        slow.on("realtime").reply(tool_calls=calls).then.reply("It is sunny.")
        Replay("ga_tool_round", connect(at=slow)).run()


def test_three_turns_are_heard_and_answered(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("I am doing fine today, thanks!").then.say(
        "I can hear you loud and clear!"
    ).then.say("Certainly, everything is working wonderfully.")
    spoken = HELLO
    audio = bytearray(silence(26_000))
    for onset_ms in (1_690, 9_178, 16_666):  # as in the recording
        start = len(silence(onset_ms))
        audio[start : start + len(spoken)] = spoken
    chunks = iter(range(0, len(audio), len(silence(100))))

    def append(times: int) -> None:
        for start in itertools.islice(chunks, times):
            talk.append(bytes(audio[start : start + len(silence(100))]))

    Replay("ga_vad_audio_three_turns", talk, append=append, beside=TRANSCRIPTION).run()
    started = [e["audio_start_ms"] for e in talk.events if e["type"] == "input_audio_buffer.speech_started"]
    stopped = [e["audio_end_ms"] for e in talk.events if e["type"] == "input_audio_buffer.speech_stopped"]
    assert started == [1_460, 8_948, 16_436]  # as in the recording, too
    assert {end - start for start, end in zip(started, stopped, strict=True)} == {2_252}
