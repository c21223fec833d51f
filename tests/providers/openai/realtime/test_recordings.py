"""Recorded sessions, replayed."""

from __future__ import annotations

import io
import itertools
import wave

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.realtime.conftest import Connect, Talk, silence
from tests.providers.openai.realtime.replay import Replay

TRANSCRIPTION = "conversation.item.input_audio_transcription."


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


def test_three_turns_are_heard_and_answered(talk: Talk, api: AudioApi, hello: tuple[str, bytes]) -> None:
    api.on("realtime").say("I am doing fine today, thanks!").then.say(
        "I can hear you loud and clear!"
    ).then.say("Certainly, everything is working wonderfully.")
    with wave.open(io.BytesIO(hello[1])) as file:
        spoken = file.readframes(file.getnframes())
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
