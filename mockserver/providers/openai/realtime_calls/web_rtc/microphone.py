"""The sound that a caller sends: decoded, at 24 kHz, with silence in place of what was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from mockserver.providers.openai.realtime_calls.media_formats import RATE

if TYPE_CHECKING:
    from av import AudioFrame

_LONGEST_GAP = 10  # seconds; a longer one is a new beginning


class Microphone:
    """Makes the samples of a caller's frames, which may have gaps."""

    def __init__(self) -> None:
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        self._next: int | None = None  # the time of the next frame, in its own samples

    def samples_of(self, frame: AudioFrame) -> bytes:
        """Return the samples of a frame, after silence for the frames that are missing before it."""
        missing = 0
        if frame.pts is not None and self._next is not None:
            missing = frame.pts - self._next
        if frame.pts is not None:
            self._next = frame.pts + frame.samples
        gap = missing * RATE // frame.sample_rate if 0 < missing <= _LONGEST_GAP * frame.sample_rate else 0
        frame.pts = None
        resampled = self._resampler.resample(frame)
        return bytes(2 * gap) + b"".join(bytes(each.planes[0])[: 2 * each.samples] for each in resampled)
