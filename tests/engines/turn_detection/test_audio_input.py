"""Audio is cut into windows of 32 ms of its own time, however it is divided into chunks."""

from __future__ import annotations

import random

import numpy as np
import pytest
from numpy.typing import NDArray

from mockserver.audio.resampling import Resampler
from mockserver.audio.telephony import decode_g711, encode_g711
from mockserver.engines.turn_detection.audio_input import AudioInput, Codec
from mockserver.engines.turn_detection.detectors import LoudnessDetector, SpeechDetector
from mockserver.engines.turn_detection.server_vad import ServerVad
from tests.engines.turn_detection.streams import stream, turns, windows_of

CODECS: list[Codec] = ["audio/pcm", "audio/pcmu", "audio/pcma"]
WINDOW = 2 * 24 * 32  # bytes of PCM


def noise(seconds: float) -> bytes:
    samples = np.random.default_rng(5).integers(-9_000, 9_000, round(24_000 * seconds))
    return samples.astype("<i2").tobytes()


@pytest.mark.parametrize("codec", CODECS)
def test_chunks_change_no_bit_of_what_is_heard(codec: Codec) -> None:
    data = stream("hello.wav", codec)
    whole = list(windows_of(data, codec, len(data)))
    assert [window.end_ms for window in whole] == list(range(32, 32 * len(whole) + 1, 32))
    assert {window.probability > 0.5 for window in whole} == {True, False}
    for chunk in (1 + len(data) // 3, 960, 333, 7):
        assert list(windows_of(data, codec, chunk)) == whole


@pytest.mark.parametrize("codec", CODECS)
def test_the_turns_of_a_call_are_found_in_every_format(codec: Codec) -> None:
    data = stream("support-call.wav", codec)
    found = turns(ServerVad(), windows_of(data, codec, 640))
    times = [turn.at_ms for turn in found]
    expected = [788, 2944, 3124, 6256, 6356, 8384, 8468, 10848]
    assert len(times) == len(expected)
    assert all(abs(time - near) <= 64 for time, near in zip(times, expected, strict=True))
    assert all((time + 300) % 32 == 0 or time in times[1::2] for time in times[::2])
    assert all(time % 32 == 0 for time in times[1::2])


def test_windows_come_as_soon_as_they_are_complete() -> None:
    audio = AudioInput("audio/pcm", LoudnessDetector)
    assert list(audio.append(noise(1)[: WINDOW - 1])) == []
    assert audio.ms == pytest.approx(32 - 1 / 24)
    assert [window.end_ms for window in audio.append(b"\0")] == [32]
    assert audio.ms == 32


def test_half_a_sample_waits_for_its_other_half() -> None:
    data, audio = noise(0.2), AudioInput("audio/pcm", LoudnessDetector)
    rng, begin = random.Random(2), 0
    while begin < len(data):
        size = rng.choice([0, 1, 3, 77])
        list(audio.append(data[begin : begin + size]))
        begin += size
    assert audio.cut(0, 200) == data


def test_a_window_is_judged_when_it_is_read() -> None:
    judged = []

    class Detector:
        def probability(self, samples: object) -> float:
            judged.append(samples)
            return 0.5

    audio = AudioInput("audio/pcm", Detector)
    found = audio.append(noise(1)[: 3 * WINDOW])
    assert not judged
    assert next(found).end_ms == 32
    assert len(judged) == 1
    # What was not read comes with the next append.
    assert [window.end_ms for window in audio.append(noise(1)[:WINDOW])] == [64, 96, 128]


@pytest.mark.parametrize("codec", CODECS)
def test_stretches_are_cut_at_the_rate_of_the_format(codec: Codec) -> None:
    data = stream("hello.wav", codec, before=0, after=0)
    audio = AudioInput(codec)
    list(audio.append(data))
    pcm = data if codec == "audio/pcm" else decode_g711(data, "mu" if codec == "audio/pcmu" else "a")
    per_ms = 2 * audio.rate // 1000
    assert audio.cut(100, 250.5) == pcm[100 * per_ms : 250 * per_ms + per_ms // 2]
    assert audio.cut(-50, 20) == pcm[: 20 * per_ms]
    assert audio.cut(audio.ms - 10, audio.ms + 500) == pcm[-10 * per_ms :]
    assert audio.cut(500, 100) == b""


def test_what_was_dropped_is_gone_and_the_clock_goes_on() -> None:
    data, audio = noise(1), AudioInput("audio/pcm", LoudnessDetector)
    list(audio.append(data))
    audio.drop_before(400)
    assert audio.ms == 1000
    assert audio.cut(0, 500) == data[48 * 400 : 48 * 500]
    audio.drop_before(100)  # earlier than before
    audio.drop_before(5000)  # later than the audio: the incomplete window is still needed
    assert audio.cut(0, 1000) == data[48 * 992 :]
    assert next(audio.append(data)).end_ms == 1024


def test_dropping_between_windows_changes_nothing() -> None:
    data = stream("hello.wav", "audio/pcm")
    audio, found = AudioInput("audio/pcm"), []
    for window in audio.append(data):
        audio.drop_before(window.end_ms)
        audio.drop_before(9e9)
        found.append(window)
    assert found == list(windows_of(data, "audio/pcm", 960))


def test_without_detection_nothing_is_judged() -> None:
    made = []

    def detector() -> SpeechDetector:
        made.append(1)
        return LoudnessDetector()

    audio = AudioInput("audio/pcm", detector)
    audio.detects = False
    assert {window.probability for window in audio.append(noise(1))} == {0.0}
    assert not made
    audio.detects = True
    assert any(window.probability > 0.5 for window in audio.append(noise(1)))
    assert made == [1]


@pytest.mark.parametrize("codec", ["audio/pcm", "audio/pcmu"])
def test_silence_between_sounds_is_heard_like_any_audio(codec: Codec) -> None:
    class Heard:
        """A detector that keeps what it hears."""

        def __init__(self) -> None:
            self.windows: list[NDArray[np.float32]] = []

        def probability(self, samples: NDArray[np.float32]) -> float:
            self.windows.append(samples.copy())
            return 0.0

    detector = Heard()
    audio = AudioInput(codec, lambda: detector)
    size, up, down = (768, 2, 3) if codec == "audio/pcm" else (256, 2, 1)
    noise = np.random.default_rng(0).integers(-9_000, 9_000, 2 * size).astype("<i2")
    sound = np.concatenate((noise, np.zeros(5 * size, "<i2"), noise))
    sent = sound.tobytes() if codec == "audio/pcm" else encode_g711(sound.tobytes(), "mu")
    list(audio.append(sent))
    heard = np.frombuffer(audio.cut(0, 9 * 32), "<i2")
    assert np.array_equal(np.concatenate(detector.windows), Resampler(up, down).resample(heard))
