"""Two detectors of speech: Silero's model, which ships with faster-whisper, and, without it, one by loudness.

Both judge windows of 512 samples at 16 kHz, one after the other, and remember what they need of those before.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import TYPE_CHECKING, Protocol

from mockserver.engines.silero import speech_model
from mockserver.installation import broken_part, origin_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

log = logging.getLogger(__name__)

WINDOW_SAMPLES = 512  # at 16 kHz

_CONTEXT = 64  # samples of the window before, which the model sees again
_ENOUGH_SILENCE = (
    32  # windows of digital silence, after which the model need not be asked: it has heard enough
)


class SpeechDetector(Protocol):
    """A detector of speech in one stream."""

    def probability(self, samples: NDArray[np.float32]) -> float:
        """Return the probability that the next window contains speech. Samples are from -1 to 1."""
        ...


@cache
def silent_window() -> NDArray[np.float32]:
    """Return a window of digital silence, always the same one."""
    import numpy as np

    return np.zeros(WINDOW_SAMPLES, np.float32)


def new_detector() -> SpeechDetector:
    """Return a detector for a stream: Silero's model, or one by loudness if faster-whisper cannot be used."""
    if origin_of("faster_whisper") is None:
        return LoudnessDetector()
    try:
        return SileroDetector()
    except Exception as error:  # noqa: BLE001 - calls are still heard, whatever is wrong with the model.
        log.warning(
            "Speech is detected by its loudness, because Silero's model cannot be used: %s",
            broken_part(error) or error,
        )
        return LoudnessDetector()


class SileroDetector:
    """Silero's model with its state. All streams share the model, which is loaded once."""

    def __init__(self) -> None:
        import numpy as np

        self._session = speech_model()
        self._h = self._c = np.zeros((1, 1, 128), np.float32)
        self._input = np.zeros((1, _CONTEXT + WINDOW_SAMPLES), np.float32)
        self._silent_windows = 0

    def probability(self, samples: NDArray[np.float32]) -> float:
        """Return the probability that the next window contains speech. Samples are from -1 to 1."""
        is_silent = samples is silent_window() or not samples.any()
        self._silent_windows = self._silent_windows + 1 if is_silent else 0
        if self._silent_windows > _ENOUGH_SILENCE:
            return 0.0
        given = self._input
        given[0, :_CONTEXT] = given[0, -_CONTEXT:]
        given[0, _CONTEXT:] = samples
        probabilities, self._h, self._c = self._session.run(
            None, {"input": given, "h": self._h, "c": self._c}
        )
        return float(probabilities[0])


class LoudnessDetector:
    """A detector by loudness: speech is well above the noise of the last seconds."""

    _QUIETEST = -55.0  # dB below full scale: the noise that is assumed at least
    _ABOVE_NOISE = 10.0  # dB: the loudness at which the probability is one half
    _STEEPNESS = 4.0  # dB
    _RISE = 0.05  # dB per window, by which the noise is thought to rise while it is louder

    def __init__(self) -> None:
        self._noise = self._QUIETEST

    def probability(self, samples: NDArray[np.float32]) -> float:
        """Return the probability that the next window contains speech. Samples are from -1 to 1."""
        import numpy as np

        sound = samples - samples.mean()
        power = float(np.mean(np.square(sound, dtype=np.float64)))
        loudness = 10 * float(np.log10(power + 1e-12))
        self._noise = max(min(loudness, self._noise + self._RISE), self._QUIETEST)
        return 1 / (1 + float(np.exp((self._ABOVE_NOISE - (loudness - self._noise)) / self._STEEPNESS)))
