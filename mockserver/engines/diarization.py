"""Distinguishes speakers by the pitch and the average spectrum of their voices.

It works for clear recordings of a few different voices that speak one at a time, but not for whispering, crowds or
similar voices. The constants were chosen on the thirteen voices of ``catalog/voices.toml``.
All samples are float32[samples], mono, 16 kHz.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from mockserver.audio.decode import RECOGNISER_SAMPLE_RATE
from mockserver.audio.products import product

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mockserver.audio.samples import Samples
    from mockserver.engines.transcription import Segment

_FRAME = 1024  # samples, 64 ms: several periods of most voices, two of the lowest
_HOP = 320  # samples, 20 ms
_MAX_SAMPLES = 20 * RECOGNISER_SAMPLE_RATE  # samples; more would not describe a voice better
_MEL_BANDS = 32
_MEL_RANGE = (80.0, 7600.0)  # Hz
_PITCH_RANGE = (50, 400)  # Hz
_LOUD = 0.01  # share of the loudest frame's power; quieter frames are ignored
_VOICED = 0.5  # autocorrelation at the pitch period
_ALMOST = (
    0.9  # share of the best autocorrelation: the shortest such period is taken, to avoid an octave too low
)
_FLOOR = 1e-7  # power in a mel band: below speech, above digital silence

_OCTAVE = 2.0  # weight of an octave of pitch, in standard deviations of the spectrum
_SAME_VOICE = 0.66  # maximum distance between two long samples of the same voice
_UNCERTAINTY = 0.3  # seconds; for a sample this short the maximum distance doubles
_MEMORY = 30.0  # seconds; older samples of a voice weigh less


class _Voice(NamedTuple):
    """A voice: median ``pitch`` (log2 Hz), mean and spread (float64[bands]) of the log-mel spectrum.

    ``seconds`` is the length of the samples that it was measured on.
    """

    pitch: float
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    seconds: float

    def distance(self, other: _Voice) -> float:
        """Return the distance to another voice, in standard deviations of the spectrum, with the pitch added."""
        variance = (self.spread**2 + other.spread**2) / 2 + 0.01
        spectrum = float(((self.mean - other.mean) ** 2 / variance).mean())
        return float((spectrum + (_OCTAVE * (self.pitch - other.pitch)) ** 2) ** 0.5)

    def may_be(self, other: _Voice) -> bool:
        """Return whether both may be the same voice. Shorter samples may differ more."""
        doubt = _UNCERTAINTY / min(self.seconds, other.seconds)
        return self.distance(other) < _SAME_VOICE * (1 + doubt)

    def merged(self, other: _Voice) -> _Voice:
        """Return both as one voice, weighted by their lengths."""
        share = other.seconds / (self.seconds + other.seconds)
        return _Voice(
            self.pitch + share * (other.pitch - self.pitch),
            self.mean + share * (other.mean - self.mean),
            self.spread + share * (other.spread - self.spread),
            min(self.seconds + other.seconds, _MEMORY),
        )


class SpeakerLabels:
    """Labels for the speakers of segments, assigned one segment at a time.

    ``known`` are names with samples of the voices. Other speakers are labelled "A", "B", ... in order of appearance.
    """

    def __init__(self, known: Iterable[tuple[str, NDArray[np.float32]]] = ()) -> None:
        self._voices = {name: voice for name, samples in known if (voice := _voice(samples))}
        self._unused = (name for name in _letters() if name not in self._voices)
        self._last = "A"

    def label(self, samples: NDArray[np.float32]) -> str:
        """Return the label of the speaker. For silence, return the previous label ("A" at the start)."""
        voice = _voice(samples)
        if voice is None:
            return self._last
        name = min(self._voices, key=lambda name: self._voices[name].distance(voice), default=None)
        if name is not None and self._voices[name].may_be(voice):
            self._voices[name] = self._voices[name].merged(voice)
        else:
            name = next(self._unused)
            self._voices[name] = voice
        self._last = name
        return name


def voice_sample(samples: Samples, start: float = 0.0, end: float = math.inf) -> NDArray[np.float32]:
    """Return the samples from ``start`` to ``end`` (seconds), at most as many as describe a voice."""
    begin = round(start * RECOGNISER_SAMPLE_RATE)
    longest = begin + _MAX_SAMPLES
    return samples.stretch(begin, round(min(end * RECOGNISER_SAMPLE_RATE, longest)))


def name_speakers(
    samples: Samples,
    segments: Sequence[Segment],
    known: Iterable[tuple[str, NDArray[np.float32]]],
) -> list[Segment]:
    """Return the segments of a clip with speakers named after the ``known`` voices.

    Each name is given to the speaker with the most similar voice, if one is similar enough; no speaker gets two names.
    """
    import numpy as np

    speech: dict[str, NDArray[np.float32]] = {}
    for segment in segments:
        so_far = speech.get(segment.speaker or "", np.zeros(0, np.float32))
        if segment.speaker is not None and len(so_far) < _MAX_SAMPLES:
            more = voice_sample(samples, segment.start, segment.end)
            speech[segment.speaker] = np.concatenate((so_far, more))
    speakers = {label: voice for label, spoken in speech.items() if (voice := _voice(spoken))}
    references = {name: voice for name, reference in known if (voice := _voice(reference))}
    pairs = sorted(
        itertools.product(references, speakers),
        key=lambda pair: references[pair[0]].distance(speakers[pair[1]]),
    )
    names: dict[str | None, str] = {}
    for name, label in pairs:
        if label not in names and name not in names.values() and references[name].may_be(speakers[label]):
            names[label] = name
    return [replace(segment, speaker=names.get(segment.speaker, segment.speaker)) for segment in segments]


def _voice(samples: NDArray[np.float32]) -> _Voice | None:
    """Return the voice in ``samples``; ``None`` for silence."""
    import numpy as np

    measured = samples[:_MAX_SAMPLES]
    padded = np.pad(measured, (0, max(0, _FRAME - len(measured))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[::_HOP]
    power = (frames**2).mean(axis=1)
    if power.max() < _FLOOR:
        return None
    window = np.hanning(_FRAME)
    spectra = np.abs(np.fft.rfft(frames[power > power.max() * _LOUD] * window, 2 * _FRAME)) ** 2
    periodicity, pitch = _pitch(spectra, np.abs(np.fft.rfft(window, 2 * _FRAME)) ** 2)
    voiced = periodicity > _VOICED
    if not voiced.any():  # A whisper has no pitch; use the middle of the range.
        voiced[:] = True
        pitch[:] = (_PITCH_RANGE[0] * _PITCH_RANGE[1]) ** 0.5
    bands = np.log10(product(spectra[voiced], _mel_filters().T) + _FLOOR)
    mean = bands.mean(axis=0)
    seconds = len(measured) / RECOGNISER_SAMPLE_RATE
    return _Voice(float(np.log2(np.median(pitch[voiced]))), mean - mean.mean(), bands.std(axis=0), seconds)


def _pitch(
    spectra: NDArray[np.float64], window: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the periodicity of each frame (up to 1) and its pitch in Hz, by autocorrelation.

    ``spectra`` (float64[frames, bins]) and ``window`` (float64[bins]) are power spectra.
    """
    import numpy as np

    shortest, longest = (RECOGNISER_SAMPLE_RATE // pitch for pitch in reversed(_PITCH_RANGE))
    correlation = np.fft.irfft(spectra)[:, :longest]
    taper = np.fft.irfft(window)[:longest]
    correlation /= correlation[:, :1] * taper / taper[0]
    candidates = correlation[:, shortest:]
    periodicity = candidates.max(axis=1)
    period = shortest + (candidates >= _ALMOST * periodicity[:, np.newaxis]).argmax(axis=1)
    return periodicity, RECOGNISER_SAMPLE_RATE / period


@lru_cache(maxsize=1)
def _mel_filters() -> NDArray[np.float64]:
    """Return triangular filters, float64[bands, bins], of equal width on the mel scale."""
    import numpy as np

    lowest, highest = (2595 * np.log10(1 + frequency / 700) for frequency in _MEL_RANGE)
    edges = 700 * (10 ** (np.linspace(lowest, highest, _MEL_BANDS + 2) / 2595) - 1)
    low, centre, high = (edges[first : first + _MEL_BANDS, np.newaxis] for first in range(3))
    bins = np.fft.rfftfreq(2 * _FRAME, 1 / RECOGNISER_SAMPLE_RATE)
    filters: NDArray[np.float64] = np.maximum(
        0, np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    )
    return filters


def _letters() -> Iterable[str]:
    """Yield the labels A, B, ..., Z, AA, AB, ..."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for length in itertools.count(1):
        yield from map("".join, itertools.product(alphabet, repeat=length))
