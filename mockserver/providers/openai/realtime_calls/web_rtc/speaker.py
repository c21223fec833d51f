"""The sound that a caller hears: what is played, else silence, in frames of 20 ms in real time."""

from __future__ import annotations

import asyncio
import threading
import time
from fractions import Fraction

from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from av import AudioFrame

from mockserver.providers.openai.realtime_calls.media_formats import RATE

_FRAME = RATE // 50  # samples
_LATE = 0.2  # seconds; a track that is later goes on from now


class Speaker(MediaStreamTrack):
    """The track that is sent to the caller. Samples may be added in any thread."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._samples = bytearray()
        self._sent = 0  # samples
        self._began = 0.0

    def play(self, pcm: bytes) -> None:
        """Add 16-bit samples of one channel."""
        with self._lock:
            self._samples += pcm

    def stop_playing(self) -> None:
        """Drop what was not sent yet."""
        with self._lock:
            self._samples.clear()

    async def recv(self) -> AudioFrame:
        """Return the next frame when it is due."""
        if self.readyState != "live":
            raise MediaStreamError
        now = time.monotonic()
        due = self._began + self._sent / RATE
        if now - due > _LATE:
            self._began, due = now - self._sent / RATE, now
        await asyncio.sleep(max(0.0, due - now))
        with self._lock:
            piece = bytes(self._samples[: 2 * _FRAME])
            del self._samples[: 2 * _FRAME]
        frame = AudioFrame(format="s16", layout="mono", samples=_FRAME)
        frame.planes[0].update(piece.ljust(2 * _FRAME, b"\0"))
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, Fraction(1, RATE)
        self._sent += _FRAME
        return frame
