"""The clock, which tests move instead of waiting."""

from __future__ import annotations

import pytest

from mockserver.clock import Clock


def test_a_frozen_clock_stands_still() -> None:
    clock = Clock(frozen_at=1_000.0)
    assert (clock.now(), clock.now()) == (1_000.0, 1_000.0)


@pytest.mark.parametrize("seconds", [3600.0, -10.0])
def test_a_frozen_clock_can_be_moved(seconds: float) -> None:
    clock = Clock(frozen_at=1_000.0)
    clock.advance(seconds)
    assert clock.now() == 1_000.0 + seconds


def test_a_running_clock_can_be_moved_too() -> None:
    clock = Clock()
    before = clock.now()
    clock.advance(1e6)
    assert clock.now() >= before + 1e6


def test_a_frozen_clock_has_no_speed() -> None:
    clock = Clock(scale=3.0)
    assert clock.speed == 3.0
    clock.freeze()
    assert clock.speed == 0.0


def test_a_running_clock_never_goes_back_by_itself() -> None:
    clock = Clock()
    assert clock.now() <= clock.now()


def test_setting_a_clock_that_stands_still_moves_it_there() -> None:
    clock = Clock(frozen_at=0.0)
    clock.set(5.0)
    assert clock.now() == 5.0


def test_freezing_keeps_the_time_and_thawing_goes_on_from_it() -> None:
    clock = Clock()
    clock.set(5_000.0)
    clock.freeze(True)
    stopped = clock.now()
    assert stopped >= 5_000.0
    assert clock.now() == stopped
    clock.freeze(False)
    assert clock.now() >= stopped


def test_a_scale_of_zero_stops_the_clock_where_it_is() -> None:
    clock = Clock(scale=0.0)
    assert clock.now() == clock.now()
    clock.set_scale(1e9)
    before = clock.now()
    while clock.now() == before:  # a nanosecond of real time is a second of this clock
        pass
    assert clock.now() > before


def test_its_state_is_returned() -> None:
    clock = Clock(frozen_at=7.0, scale=2.0)
    assert clock.state() == {"now": 7.0, "frozen": True, "scale": 2.0}
    clock.set_scale(3.0)
    clock.advance(1.0)
    assert clock.state() == {"now": 8.0, "frozen": True, "scale": 3.0}


def test_listeners_are_called_for_every_change() -> None:
    clock, heard = Clock(), []
    clock.listen(lambda: heard.append(clock.state()["frozen"]))
    clock.freeze()
    clock.advance(5.0)
    clock.set(7.0)
    clock.set_scale(2.0)
    clock.reset()
    assert heard == [True, True, True, True, False]


def test_it_tells_how_long_it_takes_until_a_time() -> None:
    clock = Clock(frozen_at=100.0, scale=4.0)
    assert clock.real_seconds_until(108.0) == float("inf")
    assert clock.real_seconds_until(100.0) == 0.0
    clock.freeze(False)
    assert 1.0 < clock.real_seconds_until(108.0) <= 2.0
    clock.set_scale(0.0)
    assert clock.real_seconds_until(clock.now() + 1.0) == float("inf")
