"""The sound that a caller sends: decoded, at 24 kHz, with silence in place of what was lost, or was never sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING

import av
from aiortc.mediastreams import MediaStreamError

from mockserver.providers.openai.realtime_calls.media_formats import RATE

if TYPE_CHECKING:
    from aiortc.mediastreams import MediaStreamTrack
    from av import AudioFrame

_LONGEST_GAP = 10  # seconds; a longer one is a new beginning
_STEP = 0.1  # seconds, the length of silence in place of frames that do not come
_PATIENCE = 3  # steps, after which frames that have not come are taken for silence


class Microphone:
    """Makes the samples of a caller's frames, which may have gaps."""

    def __init__(self) -> None:
        self._resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        self._next: int | None = None  # the time of the next frame, in its own samples
        self._filled = 0  # samples of silence since the last frame

    def samples_of(self, frame: AudioFrame) -> bytes:
        """Return the samples of a frame, after silence for the frames that are missing before it."""
        missing = 0
        if frame.pts is not None and self._next is not None:
            missing = frame.pts - self._next
        if frame.pts is not None:
            self._next = frame.pts + frame.samples
        gap = missing * RATE // frame.sample_rate if 0 < missing <= _LONGEST_GAP * frame.sample_rate else 0
        gap, self._filled = max(0, gap - self._filled), 0
        frame.pts = None
        resampled = self._resampler.resample(frame)
        return bytes(2 * gap) + b"".join(bytes(each.planes[0])[: 2 * each.samples] for each in resampled)

    def silence(self, seconds: float) -> bytes:
        """Return silence in place of frames that do not come. It counts as a part of a gap before the next one."""
        samples = round(seconds * RATE)
        self._filled += samples
        return bytes(2 * samples)


async def sound_of(track: MediaStreamTrack, is_connected: Callable[[], bool]) -> AsyncIterator[bytes]:
    """Yield the samples of a track, and silence in real time while the caller sends nothing.

    Browsers send nothing while a track is muted or has no source. Frames that are late because this machine is busy
    are waited for: a step that takes too long counts as one.
    """
    microphone, steps = Microphone(), 0
    receiving = asyncio.ensure_future(track.recv())
    try:
        while True:
            done, _ = await asyncio.wait((receiving,), timeout=_STEP)
            if done:
                frame = receiving.result()
                receiving, steps = asyncio.ensure_future(track.recv()), 0
                yield microphone.samples_of(frame)  # type: ignore[arg-type]
            elif is_connected():
                steps += 1
                if steps >= _PATIENCE:
                    yield microphone.silence(_STEP if steps > _PATIENCE else _STEP * _PATIENCE)
    except MediaStreamError:
        return
    finally:
        receiving.cancel()
