"""Fingerprints of the same sound are similar, whatever happened to it on its way."""

from __future__ import annotations

import numpy as np
import pytest

from mockserver.audio.decode import pcm_pieces
from mockserver.engines.excerpts.fingerprints import (
    FRAMES_PER_SECOND,
    Fingerprint,
    fingerprint,
    frame_at,
    time_of,
)
from tests.engines.excerpts.calls import WAYS, Samples
from tests.engines.turn_detection.streams import FIXTURES


def speech(name: str = "hello.wav") -> Samples:
    return np.frombuffer(b"".join(pcm_pieces((FIXTURES / name).read_bytes(), 24_000, 60)), "<i2")


def distance(first: Fingerprint, second: Fingerprint) -> float:
    length = min(len(first.values), len(second.values))
    active = first.active[:length]
    one, other = (each.values[:length][active].astype(float).ravel() for each in (first, second))
    return float(1 - one @ other / np.sqrt((one @ one) * (other @ other))) / 2


@pytest.mark.parametrize("way", WAYS)
def test_the_way_of_a_sound_changes_it_little(way: str) -> None:
    sound = fingerprint(speech(), 24_000)
    assert distance(sound, fingerprint(*WAYS[way](speech()))) < 0.06
    other = fingerprint(*WAYS[way](speech("support-call.wav")))
    assert distance(sound, other) > 0.35


def test_the_times_of_frames() -> None:
    click = np.zeros(24_000, np.int16)
    click[12_000:12_040] = 20_000
    active = np.flatnonzero(fingerprint(click, 24_000).active)
    assert abs(time_of(float(active.mean())) - 0.5) < 2 / FRAMES_PER_SECOND
    assert frame_at(time_of(17)) == pytest.approx(17)


def test_a_shift_begins_frames_later() -> None:
    sound = speech()
    late = fingerprint(np.pad(sound, (0, 192))[192:], 24_000)
    assert distance(fingerprint(sound, 24_000, 64), late) < 0.001
    assert distance(fingerprint(sound, 24_000), late) > 0.005


def test_silence_and_faint_noise_are_not_active() -> None:
    noise = np.random.default_rng(1).integers(-2, 3, 48_000).astype(np.int16)
    for samples in (np.zeros(24_000, np.int16), noise, np.zeros(1, np.int16)):
        assert not fingerprint(samples, 24_000).active.any()


def test_soft_speech_beside_loud_speech_is_active() -> None:
    both = np.concatenate((speech(), np.zeros(9_000, np.int16), (speech() * 0.15).astype(np.int16)))
    active = fingerprint(both, 24_000).active
    alone = fingerprint(speech(), 24_000).active.sum()
    assert abs(active.sum() - 2 * alone) <= 12
