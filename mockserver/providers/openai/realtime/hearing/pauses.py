"""Finds the pauses of speech by its loudness."""

from __future__ import annotations

import itertools
from collections import deque

_WINDOWS = 8  # of a pause
PAUSE_MS = 32.0 * _WINDOWS
_REMEMBERED = 300  # windows, about ten seconds, of which the loudest counts
_QUIET = 0.05  # of the loudest window
_SILENT = 30.0  # of 32,768


class Pauses:
    """The loudness of the last windows of an audio, of 32 ms each."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=_REMEMBERED)
        self.is_silence = True  # nothing has been heard yet

    def listen(self, pcm: bytes) -> None:
        """Note the next window: s16le mono."""
        import numpy as np

        samples = np.frombuffer(pcm, "<i2", len(pcm) // 2).astype(np.float32)
        level = float(np.sqrt(np.mean(samples**2))) if len(samples) else 0.0
        self._levels.append(level)
        self.is_silence = self.is_silence and level <= _SILENT

    @property
    def is_quiet(self) -> bool:
        """Return whether the last window is much softer than the loudest one."""
        return self._are_quiet(1)

    @property
    def is_pause(self) -> bool:
        """Return whether the audio ends with a pause after speech."""
        return not self.is_silence and len(self._levels) > _WINDOWS and self._are_quiet(_WINDOWS)

    def _are_quiet(self, windows: int) -> bool:
        quiet = max(_QUIET * max(self._levels), _SILENT)
        return all(level <= quiet for level in itertools.islice(reversed(self._levels), windows))
