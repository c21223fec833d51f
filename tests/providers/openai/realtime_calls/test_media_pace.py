"""The time of calls: that of the audio, else real time."""

from __future__ import annotations

import pytest

from mockserver.providers.openai.realtime.timeline import Timeline
from mockserver.providers.openai.realtime_calls.media_pace import MediaPace


class Clock:
    """Real time, which the test moves."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def read(self) -> float:
        return self.seconds


class Call:
    """A timeline whose audio comes in windows of 32 ms."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.timeline = Timeline(MediaPace(self.clock.read))
        self.audio_ms = 0.0

    def hear(self, ms: float, *, late: float = 0.0) -> None:
        """Hear audio in real time, ``late`` seconds late."""
        self.clock.seconds += late
        for _ in range(int(ms // 32)):
            self.clock.seconds += 0.032
            self.audio_ms += 32
            self.timeline.receive()
            self.timeline.hear_until(self.audio_ms)

    def wait(self, seconds: float) -> None:
        """Wait without audio, and do what is due."""
        ends_at = self.clock.seconds + seconds
        while (left := self.timeline.wait_seconds()) is not None and self.clock.seconds + left <= ends_at:
            self.clock.seconds += left
            self.timeline.do_next()
        self.clock.seconds = ends_at


@pytest.fixture
def call() -> Call:
    return Call()


def test_time_is_that_of_the_audio(call: Call) -> None:
    call.hear(320)
    done: list[float] = []
    call.timeline.after(100, lambda: done.append(call.timeline.now_ms))
    call.hear(96)
    assert done == []
    call.hear(32)
    assert done == [420]
    assert call.timeline.now_ms == 448


def test_late_audio_is_waited_for(call: Call) -> None:
    call.hear(320)
    done: list[float] = []
    call.timeline.after(10, lambda: done.append(call.timeline.now_ms))
    call.wait(0.1)
    assert done == []
    call.hear(32)
    assert done == [330]


def test_time_goes_on_without_audio(call: Call) -> None:
    done: list[float] = []
    for delay in (50, 150, 250):
        call.timeline.after(delay, lambda: done.append(round(call.clock.seconds - 1000, 3)))
    call.wait(1)
    assert done == [0.15, 0.25, 0.35]  # a tenth of a second late, but not later and later
    call.timeline.after(100, lambda: done.append(round(call.timeline.now_ms)))
    call.wait(0.3)
    assert done[-1] == 1000


def test_audio_that_went_on_in_a_pause_catches_up(call: Call) -> None:
    """Its timestamps have the pause, which is filled with silence."""
    call.hear(320)
    call.timeline.after(100, lambda: None)
    call.wait(1)
    call.audio_ms += 1000
    call.hear(640)
    assert call.timeline.now_ms == pytest.approx(320 + 1000 + 640)


def test_audio_that_stopped_in_a_pause_is_behind_its_time(call: Call) -> None:
    call.hear(320)
    call.timeline.after(900, lambda: None)
    call.wait(1)
    call.hear(640)
    before = call.timeline.now_ms
    assert before > 1200
    call.hear(320)
    assert call.timeline.now_ms == pytest.approx(before + 320, abs=33)


def test_audio_that_is_late_and_catches_up_does_not_change_the_time(call: Call) -> None:
    call.hear(320)
    call.timeline.after(300, lambda: None)
    call.wait(0.4)
    call.clock.seconds -= 0.32  # what comes now was delayed
    call.hear(640)
    assert call.timeline.now_ms == pytest.approx(960)
