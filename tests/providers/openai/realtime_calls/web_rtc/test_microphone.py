"""The samples of a caller's frames."""

from __future__ import annotations

import asyncio
from fractions import Fraction

import av
import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from mockserver.providers.openai.realtime_calls.web_rtc.microphone import Microphone, sound_of

RATE = 48_000


def frame(pts: int | None, samples: int = 960) -> av.AudioFrame:
    """Return 20 ms of a loud tone, in stereo."""
    tone = np.sin(np.arange(samples) * 2 * np.pi * 440 / RATE) * 20_000
    made = av.AudioFrame.from_ndarray(np.repeat(tone.astype("<i2"), 2)[None], "s16", "stereo")
    made.sample_rate, made.time_base, made.pts = RATE, Fraction(1, RATE), pts
    return made


def milliseconds(pcm: bytes) -> float:
    return len(pcm) / 48


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ([0, 960, 1920], 60),
        ([0, 960, 1920 + 4800], 160),  # 100 ms were lost
        ([0, 0, 0], 60),  # timestamps that stand still
        ([0, 960, 960 + 3600 * RATE], 60),  # another beginning
        ([None, None, None], 60),
    ],
)
def test_lost_frames_are_silence(times: list[int | None], expected: float) -> None:
    microphone = Microphone()
    heard = b"".join(microphone.samples_of(frame(each)) for each in times)
    assert milliseconds(heard) == pytest.approx(expected, abs=1.5)  # the resampler keeps some samples


def test_the_silence_is_where_the_frames_are_missing() -> None:
    microphone = Microphone()
    microphone.samples_of(frame(0))
    heard = np.frombuffer(microphone.samples_of(frame(960 + 4800)), "<i2")
    assert not heard[:2400].any()
    assert np.abs(heard[2500:]).max() > 10_000


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        (0, 20),  # the timestamps stood still
        (200, 20),
        (500, 20 + 100),
    ],
)
def test_silence_that_was_filled_is_a_part_of_the_gap(missing: int, expected: float) -> None:
    microphone = Microphone()
    microphone.samples_of(frame(0))
    assert milliseconds(microphone.silence(0.4)) == 400
    assert milliseconds(microphone.samples_of(frame(960 + missing * 48))) == pytest.approx(expected, abs=1.5)
    assert milliseconds(microphone.samples_of(frame(1920 + missing * 48))) == 20


class Track(MediaStreamTrack):
    """A track of some frames, after which nothing comes until ``end``."""

    kind = "audio"

    def __init__(self, *frames: av.AudioFrame) -> None:
        super().__init__()
        self._frames = list(frames)
        self.end = asyncio.Event()

    async def recv(self) -> av.AudioFrame:
        if self._frames:
            return self._frames.pop(0)
        await self.end.wait()
        raise MediaStreamError


async def sounds(number: int) -> list[float]:
    """Return the lengths of the first sounds of a track with two frames, in milliseconds."""
    track, found = Track(frame(0), frame(960)), []
    async for pcm in sound_of(track, lambda: True):
        found.append(milliseconds(pcm))
        if len(found) == number:
            track.end.set()
    return found


def test_frames_that_do_not_come_are_silence() -> None:
    assert asyncio.run(sounds(5))[2:] == [300, 100, 100]


def test_a_track_that_ends_is_no_silence() -> None:
    assert len(asyncio.run(sounds(2))) == 2
