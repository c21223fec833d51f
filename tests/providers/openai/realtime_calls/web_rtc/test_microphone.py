"""The samples of a caller's frames."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from mockserver.providers.openai.realtime_calls.web_rtc.microphone import Microphone

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
