"""The sound of an audio file that a stub answers with."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from mockserver.audio.decode import AudioTooLong, UndecodableAudio
from mockserver.audio.encode import encode_speech, write_wav
from mockserver.engines.speech import SPEECH_SAMPLE_RATE
from mockserver.providers.openai.audio.speaking import StubSound


def tone(seconds: float, rate: int = SPEECH_SAMPLE_RATE) -> bytes:
    samples = np.sin(2 * np.pi * 440 / rate * np.arange(round(seconds * rate)))
    return bytes((samples * 8_000).astype("<i2").tobytes())


def pcm_of(sound: StubSound) -> bytes:
    return b"".join(chunk.pcm for chunk in sound)


def test_a_file_at_the_rate_of_speech_is_answered_sample_by_sample_each_time() -> None:
    sound = StubSound(write_wav(tone(3.7), SPEECH_SAMPLE_RATE))
    assert pcm_of(sound) == tone(3.7)
    assert pcm_of(sound) == tone(3.7)
    assert len(list(sound)) == 4


@pytest.mark.parametrize("file_type", ["mp3", "opus", "aac", "flac", "wav"])
def test_every_format_is_brought_to_the_rate_of_speech(file_type: str) -> None:
    sound = StubSound(b"".join(encode_speech(iter([tone(3.0)]), file_type)))
    assert len(pcm_of(sound)) / (2 * SPEECH_SAMPLE_RATE) == pytest.approx(3.0, abs=0.1)


@pytest.mark.slow
def test_ten_minutes_take_the_memory_of_seconds() -> None:
    sound = StubSound(b"".join(encode_speech(iter([tone(599.0)]), "flac")))
    tracemalloc.start()
    seconds = sum(len(chunk.pcm) for chunk in sound) / (2 * SPEECH_SAMPLE_RATE)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds == 599.0
    assert most < 4_000_000, "bytes; all of it has 28,752,000"


def test_exactly_ten_minutes_at_another_rate_are_short_enough() -> None:
    sound = StubSound(write_wav(tone(600.0, 11_025), 11_025))
    assert len(pcm_of(sound)) / (2 * SPEECH_SAMPLE_RATE) == pytest.approx(600.0, abs=0.1)


def test_a_file_that_cannot_be_answered_with_is_refused_at_once() -> None:
    with pytest.raises(AudioTooLong, match="longer than 600 seconds"):
        StubSound(write_wav(tone(601.0), SPEECH_SAMPLE_RATE))
    with pytest.raises(UndecodableAudio):
        StubSound(b"no audio")
