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
