"""What Whisper hears: log-mel spectrograms as faster-whisper computes them, kept small until they are used.

"Raw" is log10 of the power in each of 80 mel bands, 100 frames a second; digital silence is ``SILENCE``.
What the model is fed is clipped to ``RANGE`` below the loudest, and scaled (``normalize``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BANDS = 80
FRAME_RATE = 100  # frames per second
SAMPLE_RATE = 16_000  # Hz
SILENCE = -10.0
RANGE = 8.0
NOISES, TONES = 24, 64  # how many of each ``noises`` are
_WINDOW, _HOP = 400, 160  # samples


@dataclass(frozen=True, slots=True)
class Quantized:
    """A raw spectrogram in bytes: 255 is ``peak``, 0 is ``RANGE`` below it or less. uint8[frames, 80]."""

    levels: NDArray[np.uint8]
    peak: float

    @classmethod
    def of(cls, raw: NDArray[np.float32]) -> Quantized:
        """Of a raw spectrogram, float32[frames, 80]."""
        peak = float(raw.max())
        levels = np.clip((raw - peak) * (255 / RANGE) + 255.5, 0, 255)
        return cls(levels.astype(np.uint8), peak)

    def raw(self) -> NDArray[np.float32]:
        """The raw spectrogram, float32[frames, 80]."""
        raw = (self.levels.astype(np.float32) - 255) * np.float32(RANGE / 255) + np.float32(self.peak)
        raw[self.levels == 0] = SILENCE
        return raw


def raw_spectrogram(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """The raw spectrogram of sound at 16 kHz: float32[frames, 80]."""
    sound = np.pad(samples.astype(np.float32) / 32768, (_WINDOW // 2, _WINDOW // 2 + _HOP), mode="reflect")
    sound[-_HOP - _WINDOW // 2 :] = 0  # faster-whisper pads with 160 zeros
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    frames = frames[: len(samples) // _HOP]
    power = np.abs(np.fft.rfft(frames * _hann(), axis=1)) ** 2
    return np.log10(np.maximum(power.astype(np.float32) @ _filters().T, 1e-10))


def normalize(raw: NDArray[np.float32], loudest: float) -> NDArray[np.float32]:
    """What the model is fed, of a file whose loudest raw value is ``loudest``."""
    return (np.maximum(raw, np.float32(loudest - RANGE)) + np.float32(4)) / np.float32(4)


def mixed(raw: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """The raw spectrogram of two independent sounds at once."""
    return np.maximum(raw, other) + np.log10(1 + np.exp2(-np.abs(raw - other) * np.float32(3.3219)))


@cache
def _hann() -> NDArray[np.float32]:
    return np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


@cache
def _filters() -> NDArray[np.float32]:
    from faster_whisper.feature_extractor import FeatureExtractor

    return np.asarray(FeatureExtractor().mel_filters, dtype=np.float32)


@cache
def noises() -> tuple[NDArray[np.float32], ...]:
    """Raw spectrograms of ``NOISES`` noises, 6 s each, then ``TONES`` tones: all as loud as loud speech."""
    rng = np.random.default_rng(0)
    length = 6 * SAMPLE_RATE
    time = np.arange(length) / SAMPLE_RATE
    frequencies = np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 20.0)
    sounds = []
    for _ in range(NOISES):
        spectrum = np.fft.rfft(rng.standard_normal(length)) * frequencies ** -rng.choice([0.0, 0.0, 0.5, 1.0])
        if rng.random() < 0.3:
            spectrum *= (frequencies > rng.uniform(20, 800)) & (frequencies < rng.uniform(2000, 8000))
        sounds.append(np.fft.irfft(spectrum, length))
    for _ in range(TONES):
        tone = np.zeros(length)
        for _ in range(rng.choice([1, 1, 2, 3])):
            pitch = np.exp(rng.uniform(np.log(60), np.log(6000)))
            tone += np.sin(2 * np.pi * pitch * time * (1 + rng.choice([0, 0, 0.03]) * time))
        if rng.random() < 0.3:
            tone *= np.sin(2 * np.pi * rng.uniform(0.3, 4) * time) > 0
        sounds.append(tone + 10 ** rng.uniform(-5, -2) * rng.standard_normal(length))
    scaled = [sound * (3000 / np.sqrt(np.mean(sound**2))) for sound in sounds]
    return tuple(raw_spectrogram(np.clip(sound, -32768, 32767).astype(np.int16)) for sound in scaled)
