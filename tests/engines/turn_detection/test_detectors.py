"""Speech is distinguished from silence and noise, with and without Silero's model."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable

import numpy as np
import pytest

from mockserver.engines.turn_detection import detectors
from mockserver.engines.turn_detection.detectors import (
    LoudnessDetector,
    SileroDetector,
    SpeechDetector,
    new_detector,
)
from mockserver.engines.turn_detection.server_vad import ServerVad
from tests.engines.turn_detection.streams import stream, turns, windows_of

pytest.importorskip("faster_whisper")

Make = Callable[[], SpeechDetector]


@pytest.mark.parametrize("detector", [SileroDetector, LoudnessDetector])
def test_both_detectors_hear_the_same_turns(detector: Make) -> None:
    data = stream("hello.wav", "audio/pcm")
    started, stopped = (
        turn.at_ms for turn in turns(ServerVad(), windows_of(data, "audio/pcm", 960, detector=detector))
    )
    assert 1000 - 300 <= started <= 1100 - 300
    assert 2950 <= stopped <= 3100


@pytest.mark.parametrize("detector", [SileroDetector, LoudnessDetector])
def test_steady_noise_is_not_speech_for_long(detector: Make) -> None:
    judge = detector()
    noise = np.random.default_rng(3).normal(0, 0.003, (300, 512)).astype(np.float32)
    assert np.mean([judge.probability(window) > 0.5 for window in noise]) < 0.2
    assert judge.probability(noise[0]) < 0.5


def test_a_constant_voltage_is_no_sound() -> None:
    judge = LoudnessDetector()
    assert judge.probability(np.full(512, 0.5, np.float32)) < 0.1


def test_silero_judges_as_faster_whisper_does() -> None:
    from faster_whisper.vad import get_vad_model

    from mockserver.audio.resampling import resampled

    samples = resampled(np.frombuffer(stream("hello.wav", "audio/pcm"), "<i2"), 24_000, 16_000)
    samples = samples[: len(samples) // 512 * 512]
    expected = get_vad_model()(samples)
    judge = SileroDetector()
    found = [judge.probability(window) for window in samples.reshape(-1, 512)]
    heard = [number for number, window in enumerate(samples.reshape(-1, 512)) if window.any()]
    assert np.allclose(np.array(found)[heard], expected.reshape(-1)[heard], atol=0.02)
    # Of long digital silence the model is no longer asked.
    assert found[33:40] == [0.0] if not samples[: 40 * 512].any() else True
    assert judge.probability(np.zeros(512, np.float32)) < 0.5


def test_streams_in_many_threads_do_not_disturb_each_other() -> None:
    data = stream("hello.wav", "audio/pcm", after=0.3)
    alone = list(windows_of(data, "audio/pcm", 4_800))
    results: list[bool] = []

    def hear() -> None:
        results.append(list(windows_of(data, "audio/pcm", 4_800)) == alone)

    threads = [threading.Thread(target=hear) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 6


def test_without_faster_whisper_loudness_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detectors, "origin_of", lambda module: None)
    assert isinstance(new_detector(), LoudnessDetector)


def test_a_damaged_faster_whisper_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "faster_whisper.vad", None)
    with caplog.at_level(logging.WARNING):
        assert isinstance(new_detector(), LoudnessDetector)
    assert "Speech is detected by its loudness" in caplog.text
    assert "faster" in caplog.text
