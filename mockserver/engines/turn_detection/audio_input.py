"""The audio that a client appends to its input buffer, in windows for turn detection."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal

from mockserver.audio.encode import SPEECH_SAMPLE_RATE
from mockserver.audio.resampling import Resampler
from mockserver.audio.telephony import TELEPHONY_SAMPLE_RATE, decode_g711
from mockserver.engines.turn_detection.detectors import SpeechDetector, new_detector, silent_window
from mockserver.engines.turn_detection.turns import WINDOW_MS, Window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Codec = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]

_DETECTOR_RATE = 16_000


class AudioInput:
    """The audio of a session, of which only the part that may still be needed is kept.

    Times are milliseconds of all audio that was appended since the session began. While ``detects`` is false, no
    speech is looked for, and the probability of every window is 0. A window is judged within ``turn()``.
    """

    def __init__(
        self,
        codec: Codec,
        detector: Callable[[], SpeechDetector] = new_detector,
        turn: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self.detects = True
        self._turn = turn
        self._new_detector = detector
        self._detector: SpeechDetector | None = None
        self._kept = bytearray()  # s16le, of the format's rate
        self._first = 0  # number of the first sample that is kept
        self._windows = 0  # that were judged
        self._use(codec)

    def _use(self, codec: Codec) -> None:
        self.codec = codec
        self.rate = SPEECH_SAMPLE_RATE if codec == "audio/pcm" else TELEPHONY_SAMPLE_RATE
        divisor = math.gcd(self.rate, _DETECTOR_RATE)
        self._resampler = Resampler(_DETECTOR_RATE // divisor, self.rate // divisor)
        self._silence = bytes(2 * self._window_begin(1))  # a window of digital silence
        self._was_silent = False
        self._odd = b""  # the first byte of a sample whose second has not come

    @property
    def ms(self) -> float:
        """Return the duration of all audio so far."""
        return self._samples * 1000 / self.rate

    @property
    def _samples(self) -> int:
        return self._first + len(self._kept) // 2

    def append(self, data: bytes) -> Iterator[Window]:
        """Add audio in the format of the session, and return an iterator of the windows that it completes.

        A window is judged when it is read, so that what was read before can be acted on. Windows that are not read
        come with the next append. Half a sample of PCM waits for its other half.
        """
        if self.codec == "audio/pcm":
            data = self._odd + data
            whole = len(data) & ~1
            self._odd = data[whole:]
            self._kept += memoryview(data)[:whole]
        else:
            self._kept += decode_g711(data, "mu" if self.codec == "audio/pcmu" else "a")
        return self._read_windows()

    def cut(self, start_ms: float, end_ms: float) -> bytes:
        """Return a stretch of audio: s16le mono PCM at ``rate``. What was dropped or has not come yet is left out."""
        start, end = (max(self._sample_at(ms) - self._first, 0) * 2 for ms in (start_ms, end_ms))
        return bytes(self._kept[start:end])

    def drop_before(self, ms: float) -> None:
        """Forget the audio before a time, apart from windows that were not read."""
        before = min(self._sample_at(ms), self._window_begin(self._windows), self._samples)
        if before > self._first:
            del self._kept[: 2 * (before - self._first)]
            self._first = before

    def _sample_at(self, ms: float) -> int:
        return round(ms * self.rate / 1000)

    def _window_begin(self, number: int) -> int:
        return number * WINDOW_MS * self.rate // 1000

    def _read_windows(self) -> Iterator[Window]:
        while self._window_begin(self._windows + 1) <= self._samples:
            begin, end = (2 * (self._window_begin(self._windows + n) - self._first) for n in (0, 1))
            pcm = bytes(self._kept[begin:end])
            self._windows += 1
            with self._turn():
                probability = self._probability(pcm)
            yield Window(self._windows * WINDOW_MS, probability)

    def _probability(self, pcm: bytes) -> float:
        """Return the probability that the next window contains speech."""
        samples = self._resampled(pcm)
        if not self.detects:
            self._detector = None
            return 0.0
        if self._detector is None:
            self._detector = self._new_detector()
        return self._detector.probability(samples)

    def _resampled(self, pcm: bytes) -> NDArray[np.float32]:
        """Return the next window as the detector needs it. Silence after silence remains silence."""
        import numpy as np

        was_silent, self._was_silent = self._was_silent, pcm == self._silence
        if was_silent and self._was_silent:
            return silent_window()
        return self._resampler.resample(np.frombuffer(pcm, "<i2"))
