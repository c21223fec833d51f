"""Fingerprints of audio: how the differences between neighbouring bands change (after Haitsma and Kalker, 2002).

They do not depend on loudness, nor on what a telephone leaves out. Of the real values, not only their signs are kept.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from mockserver.audio.products import product
from mockserver.audio.resampling import resampled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RATE = 8_000  # samples a second; what a telephone carries
HOP = 128  # samples from one frame to the next
FRAMES_PER_SECOND = RATE / HOP
VALUES = 32  # per frame

FULL = 127  # the largest value

_WIDTH = 1_024  # samples of a frame
_CHANGE = 4  # frames between which the change is measured
_SILENCE = _WIDTH + _CHANGE * HOP  # samples that surround a sound
_MIDDLE = _WIDTH / 2 + _CHANGE * HOP / 2  # samples from the begin of a frame to its middle
_LOWEST, _HIGHEST = 250.0, 3_400.0  # Hz
_SOFTNESS = 2.0  # of the change of log energies
_MASK = 0.03  # of a frame's mean energy: weaker bands are noise
_QUIETEST = 1e-6  # energy that is silence
_BATCH = 2_000  # frames that are computed at a time
# A frame is active if it is so loud, in dB: within a range below the loudest around it, above the noise by a margin.
# Speech can be softer than the loudest of a sound.
_AROUND = 62  # frames, a second
_SOFT = 20.0
_LEAST_RANGE, _MOST_RANGE, _ABOVE_NOISE = 15.0, 30.0, 6.0
_NOISE_QUANTILE = 0.1
_INAUDIBLE = -75.0  # dB below full scale


class Fingerprint(NamedTuple):
    """The fingerprint of a sound.

    ``values`` are int8[frames, 32]; ``active`` is true for frames that are not silent.
    """

    values: NDArray[np.int8]
    active: NDArray[np.bool_]


def frame_at(seconds: float) -> float:
    """Return the number of the frame whose middle is at a time."""
    return (seconds * RATE + _SILENCE - _MIDDLE) / HOP


def time_of(frame: float) -> float:
    """Return the time of the middle of a frame, in seconds."""
    return (frame * HOP + _MIDDLE - _SILENCE) / RATE


def fingerprint(samples: NDArray[np.int16], rate: int, shift: int = 0) -> Fingerprint:
    """Return the fingerprint of mono samples at 8, 16 or 24 kHz, as if silence surrounded them.

    With ``shift``, frames begin so many samples (of 8 kHz) later.
    """
    import numpy as np

    signal = np.pad(resampled(samples, rate, RATE), (_SILENCE - shift, _SILENCE))
    frames = np.lib.stride_tricks.sliding_window_view(signal, _WIDTH)[::HOP]
    energies, levels = [], []
    for begin in range(0, len(frames), _BATCH):
        windowed = frames[begin : begin + _BATCH] * _window()
        spectrum = np.fft.rfft(windowed, axis=1)
        energies.append(product(np.square(np.abs(spectrum)), _bands()))
        levels.append(np.mean(np.square(windowed), axis=1))
    energy = np.concatenate(energies)
    energy += _QUIETEST + _MASK * energy.mean(axis=1, keepdims=True)
    slopes = np.diff(np.log(energy), axis=1)
    changes = slopes[_CHANGE:] - slopes[:-_CHANGE]
    values = np.round(np.tanh(changes / _SOFTNESS) * FULL).astype(np.int8)
    return Fingerprint(values, _active(10 * np.log10(np.concatenate(levels) + 1e-12)))


def _active(levels: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which frames are not silent. A frame's change is heard in the middle of its time."""
    import numpy as np

    levels = levels[_CHANGE // 2 : len(levels) - _CHANGE // 2]
    around = np.pad(levels, _AROUND, constant_values=-np.inf)
    loudest = np.lib.stride_tricks.sliding_window_view(around, 2 * _AROUND + 1).max(axis=1)
    loudest = np.maximum(loudest, levels.max() - _SOFT)
    noise = np.quantile(levels, _NOISE_QUANTILE) + _ABOVE_NOISE
    threshold = np.clip(noise, loudest - _MOST_RANGE, loudest - _LEAST_RANGE)
    active: NDArray[np.bool_] = levels > np.maximum(threshold, _INAUDIBLE)
    return active


@cache
def _window() -> NDArray[np.float32]:
    import numpy as np

    return np.hanning(_WIDTH + 1)[:-1].astype(np.float32)


@cache
def _bands() -> NDArray[np.float64]:
    """Return the weights of the bands, which are triangles on the mel scale: float64[frequencies, bands]."""
    import numpy as np

    mel = np.linspace(np.log1p(_LOWEST / 700), np.log1p(_HIGHEST / 700), VALUES + 3)
    edges = 700 * np.expm1(mel)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    frequency = (np.arange(_WIDTH // 2 + 1) * RATE / _WIDTH)[:, np.newaxis]
    rising, falling = (frequency - low) / (middle - low), (high - frequency) / (high - middle)
    weights: NDArray[np.float64] = np.maximum(0.0, np.minimum(rising, falling))
    return weights
