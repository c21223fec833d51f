"""The input of Whisper: log-mel spectrograms as faster-whisper computes them, stored compactly until use.

"Raw" is log10 of the power in each of 80 mel bands, 100 frames a second; digital silence is ``SILENCE``.
The input of the model is clipped to ``RANGE`` below the loudest value, and scaled (``normalize``).
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
NOISES = 48
_WINDOW, _HOP = 400, 160  # samples


@dataclass(frozen=True, slots=True)
class Quantized:
    """A raw spectrogram in bytes: 255 is ``peak``, 0 is ``RANGE`` below it or less. uint8[frames, 80]."""

    levels: NDArray[np.uint8]
    peak: float

    @classmethod
    def of(cls, raw: NDArray[np.float32]) -> Quantized:
        """Quantize a raw spectrogram, float32[frames, 80]."""
        peak = float(raw.max())
        levels = np.clip((raw - peak) * (255 / RANGE) + 255.5, 0, 255)
        return cls(levels.astype(np.uint8), peak)

    def raw(self) -> NDArray[np.float32]:
        """Return the raw spectrogram, float32[frames, 80]."""
        raw = (self.levels.astype(np.float32) - 255) * np.float32(RANGE / 255) + np.float32(self.peak)
        raw[self.levels == 0] = SILENCE
        return raw

    def at_speed(self, factor: float) -> Quantized:
        """Return the spectrogram as if played faster by ``factor``, with a pitch that much higher."""
        centres = _band_centres()
        times = np.arange(round(len(self.levels) / factor)) * factor
        levels = _interpolated(self.levels.astype(np.float32), np.minimum(times, len(self.levels) - 1))
        bands = np.interp(centres / factor, centres, np.arange(BANDS))
        levels = _interpolated(levels.T, bands).T
        levels[:, centres / factor > centres[-1]] = 0  # Higher bands are unknown.
        return Quantized(levels.astype(np.uint8), self.peak)


def raw_spectrogram(samples: NDArray[np.int16]) -> NDArray[np.float32]:
    """Return the raw spectrogram of sound at 16 kHz: float32[frames, 80]."""
    sound = np.pad(samples.astype(np.float32) / 32768, (_WINDOW // 2, _WINDOW // 2 + _HOP), mode="reflect")
    sound[-_HOP - _WINDOW // 2 :] = 0  # faster-whisper pads with 160 zeros
    frames = np.lib.stride_tricks.sliding_window_view(sound, _WINDOW)[::_HOP]
    frames = frames[: len(samples) // _HOP]
    power = np.abs(np.fft.rfft(frames * _hann(), axis=1)) ** 2
    return np.log10(np.maximum(power.astype(np.float32) @ _filters().T, 1e-10))


def normalize(raw: NDArray[np.float32], loudest: float) -> NDArray[np.float32]:
    """Return the input of the model for a file whose loudest raw value is ``loudest``."""
    return (np.maximum(raw, np.float32(loudest - RANGE)) + np.float32(4)) / np.float32(4)


def mixed(raw: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the raw spectrogram of two independent sounds at once."""
    return np.maximum(raw, other) + np.log10(1 + np.exp2(-np.abs(raw - other) * np.float32(3.3219)))


@cache
def _hann() -> NDArray[np.float32]:
    return np.hanning(_WINDOW + 1)[:-1].astype(np.float32)


@cache
def _filters() -> NDArray[np.float32]:
    from faster_whisper.feature_extractor import FeatureExtractor

    return np.asarray(FeatureExtractor().mel_filters, dtype=np.float32)


@cache
def _band_centres() -> NDArray[np.float64]:
    """Return the centres of the mel bands in Hz: evenly spaced up to 1 kHz, by equal ratios above."""
    mels = np.linspace(0, 15 + 27 * np.log(8) / np.log(6.4), BANDS + 2)[1:-1]
    return np.where(mels < 15, mels * 200 / 3, 1000 * 6.4 ** ((mels - 15) / 27))


def _interpolated(rows: NDArray[np.float32], at: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return rows between rows: 1.5 is halfway between the second and the third."""
    low = at.astype(int)
    high = np.minimum(low + 1, len(rows) - 1)
    share = (at - low).astype(np.float32)[:, None]
    return rows[low] * (1 - share) + rows[high] * share


@cache
def noises() -> tuple[NDArray[np.float32], ...]:
    """Return raw spectrograms of noises, 6 s each, as loud as loud speech."""
    rng = np.random.default_rng(0)
    length = 6 * SAMPLE_RATE
    frequencies = np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 20.0)
    sounds = []
    for _ in range(NOISES):
        spectrum = np.fft.rfft(rng.standard_normal(length)) * frequencies ** -rng.choice([0.0, 0.0, 0.5, 1.0])
        if rng.random() < 0.3:
            spectrum *= (frequencies > rng.uniform(20, 800)) & (frequencies < rng.uniform(2000, 8000))
        sounds.append(raw_spectrogram(_loud(np.fft.irfft(spectrum, length))))
    return tuple(sounds)


def tones(rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the raw spectrogram of 6 s of tones, steady, gliding or interrupted, as loud as loud speech."""
    length = 6 * SAMPLE_RATE
    time = np.arange(length) / SAMPLE_RATE
    tone = np.zeros(length)
    for _ in range(rng.choice([1, 1, 2, 3, 4])):
        pitch = np.exp(rng.uniform(np.log(50), np.log(7900)))
        glide = rng.choice([0, 0, rng.uniform(-0.1, 0.1)])
        tone += rng.uniform(0.2, 1) * np.sin(
            2 * np.pi * pitch * time * (1 + glide * time) + rng.uniform(0, 6)
        )
    if rng.random() < 0.3:
        tone *= np.sin(2 * np.pi * rng.uniform(0.1, 6) * time) > rng.uniform(-0.7, 0.7)
    if rng.random() < 0.2:
        tone = np.clip(tone, -0.3, 0.3)
    return raw_spectrogram(_loud(tone + 10 ** rng.uniform(-6, -2) * rng.standard_normal(length)))


def _loud(sound: NDArray[np.float64]) -> NDArray[np.int16]:
    scaled = sound * (3000 / np.sqrt(np.mean(sound**2)))
    return np.clip(scaled, -32768, 32767).astype(np.int16)
