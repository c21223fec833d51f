"""Sessions that are woken when the clock is moved."""

from __future__ import annotations

from mockserver.clock import Clock
from mockserver.providers.openai.realtime_work.live_sessions import LiveSessions


def test_open_sessions_are_woken_when_the_clock_is_moved() -> None:
    clock = Clock()
    sessions = LiveSessions(clock)
    woken: list[str] = []

    def wake() -> None:
        woken.append("a session")

    sessions.add(wake)
    assert len(sessions) == 1
    clock.advance(10)
    clock.freeze()
    assert len(woken) == 2
    sessions.remove(wake)
    sessions.remove(wake)  # twice is harmless
    clock.advance(10)
    assert (len(woken), len(sessions)) == (2, 0)


def test_many_sessions_hear_one_at_a_time() -> None:
    sessions = LiveSessions(Clock())
    for number in range(64):
        sessions.add(lambda number=number: number)  # type: ignore[misc]
    with sessions.hearing_turn(), sessions.hearing_turn():
        pass  # at the same time

    sessions.add(lambda: None)
    assert len(sessions) == 65
    with sessions.hearing_turn():
        assert sessions.hearing_turn().locked()  # type: ignore[attr-defined]
