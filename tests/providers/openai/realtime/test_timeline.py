"""The time of a session, and what is due on it."""

from __future__ import annotations

import time

import pytest

from mockserver.clock import Clock
from mockserver.providers.openai.realtime import timeline
from mockserver.providers.openai.realtime.timeline import Fast, Timeline, pace_of


class Diary:
    """What was done on a timeline, and at which time."""

    def __init__(self, of: Timeline) -> None:
        self.entries: list[tuple[str, float]] = []
        self._timeline = of

    def plan(self, name: str, delay_ms: float, *, gap: float = 0.0) -> timeline.Task:
        def note() -> None:
            self.entries.append((name, self._timeline.now_ms))

        return self._timeline.after(delay_ms, note, gap=gap)

    def rest(self) -> list[tuple[str, float]]:
        """Do all that is left, and return it."""
        before = len(self.entries)
        while self._timeline.wait_seconds() is not None:
            self._timeline.do_next()
        return self.entries[before:]


@pytest.fixture
def fast() -> Timeline:
    return Timeline(Fast())


@pytest.fixture
def diary(fast: Timeline) -> Diary:
    return Diary(fast)


def test_time_jumps_to_what_is_due_next(diary: Diary) -> None:
    diary.plan("later", 500)
    diary.plan("soon", 100)
    diary.plan("soon, too", 100)
    assert diary.rest() == [("soon", 100), ("soon, too", 100), ("later", 500)]


def test_what_is_due_within_the_audio_is_done_at_its_time(fast: Timeline, diary: Diary) -> None:
    diary.plan("in the first window", 20)
    diary.plan("in the second one", 40)
    fast.hear_until(32)
    assert diary.entries == [("in the first window", 20)]
    assert fast.now_ms == 32
    diary.plan("after both", 60)
    fast.hear_until(64)
    assert diary.entries[1:] == [("in the second one", 40)]
    assert diary.rest() == [("after both", 92)]


def test_audio_continues_after_a_jump(fast: Timeline, diary: Diary) -> None:
    fast.hear_until(1_000)
    diary.plan("reply", 500)
    diary.rest()
    assert fast.now_ms == 1_500
    fast.hear_until(1_032)
    assert fast.now_ms == 1_532


def test_a_client_that_sends_a_stream_is_waited_for(
    fast: Timeline, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    for number in range(1, 4):
        now += 0.03
        fast.receive()
        fast.hear_until(32 * number)
    diary.plan("reply", 1_000)
    assert fast.wait_seconds() == pytest.approx(0.12)  # four intervals
    fast.do_next()
    assert not diary.entries
    now += 0.12
    assert fast.wait_seconds() == 0
    fast.do_next()
    assert diary.entries == [("reply", 1_096)]


def test_a_client_that_sends_audio_at_once_is_waited_for_shortly(
    fast: Timeline, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)
    fast.receive()
    fast.hear_until(10_000)
    diary.plan("reply", 100)
    assert fast.wait_seconds() == pytest.approx(0.05)


def test_between_tasks_is_a_gap_in_which_clients_can_answer(
    fast: Timeline, diary: Diary, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    diary.plan("first", 10, gap=0.004)
    diary.plan("second", 20, gap=0.004)
    fast.do_next()
    assert fast.wait_seconds() == pytest.approx(0.004)
    now += 0.004
    fast.do_next()
    assert [name for name, _ in diary.entries] == ["first", "second"]


def test_the_gap_begins_when_a_task_has_ended(fast: Timeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes long, as synthesis does, sends its events at its end."""
    now = 1000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)

    def work() -> None:
        nonlocal now
        now += 0.3

    fast.after(10, work)
    fast.after(20, work, gap=0.05)
    fast.do_next()
    assert fast.wait_seconds() == pytest.approx(0.05)


def test_a_cancelled_task_is_not_done(fast: Timeline, diary: Diary) -> None:
    diary.plan("one", 10).cancel()
    assert fast.wait_seconds() is None
    assert diary.rest() == []


def test_a_follower_is_never_ahead_of_the_audio(fast: Timeline, diary: Diary) -> None:
    fast.follow()
    diary.plan("reply", 100)
    assert fast.wait_seconds() == float("inf")
    fast.hear_until(96)
    assert not diary.entries
    fast.hear_until(128)
    assert diary.entries == [("reply", 100)]


def test_real_time_is_that_of_the_clock() -> None:
    clock = Clock(frozen_at=1_800_000_000.0)
    real = Timeline(pace_of("real", clock))
    diary = Diary(real)
    diary.plan("reply", 2_000)
    real.hear_until(10_000)  # audio does not move it
    assert real.wait_seconds() == float("inf")
    real.do_next()
    assert (real.now_ms, diary.entries) == (0, [])
    clock.advance(2.5)
    assert real.wait_seconds() == 0
    real.do_next()
    assert diary.entries == [("reply", 2_500)]


def test_a_scaled_clock_shortens_the_wait() -> None:
    clock = Clock(scale=100.0)
    real = Timeline(pace_of("real", clock))
    Diary(real).plan("reply", 10_000)
    wait = real.wait_seconds()
    assert wait is not None
    assert wait <= 0.1


def test_time_that_follows_the_audio_never_passes_its_end(fast: Timeline) -> None:
    diary = Diary(fast)
    diary.plan("at once", 0)
    diary.plan("later", 100)
    fast.follow()
    assert diary.entries == [("at once", 0.0)]
    assert fast.wait_seconds() == float("inf")
    fast.hear_until(99)
    assert diary.entries == [("at once", 0.0)]
    fast.hear_until(128)
    assert diary.entries == [("at once", 0.0), ("later", 100.0)]
    assert fast.now_ms == 128
