"""The bound on the work of callers' patterns: counted in steps, slow work one at a time."""

from __future__ import annotations

import threading

import pytest

from mockserver.matching.allowance import Allowance, Exhausted, Seconds


def test_steps_are_counted_to_the_last_one() -> None:
    with Allowance(20_000, Seconds(60)) as allowance:
        for _ in range(20_000):
            allowance.spend()
        with pytest.raises(Exhausted, match="it takes more than 20,000 steps"):
            allowance.spend()


def test_processor_time_is_bounded() -> None:
    def spend_on() -> None:
        with Allowance(10**12, Seconds(0.05)) as allowance:
            while True:
                allowance.spend()

    with pytest.raises(Exhausted, match=r"it takes more than 0\.05 seconds"):
        spend_on()


def test_what_takes_long_goes_on_one_at_a_time_and_the_rest_never_waits() -> None:
    is_slow, may_end, second_is_slow = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with Allowance(10**9, Seconds(60)) as allowance:
            allowance.spend(20_000)
            is_slow.set()
            may_end.wait(30)

    def second() -> None:
        with Allowance(10**9, Seconds(60)) as allowance:
            allowance.spend(20_000)
            second_is_slow.set()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert is_slow.wait(30)
    threads[1].start()
    with Allowance(10**9, Seconds(60)) as quick:
        quick.spend(1_000)
    assert not second_is_slow.wait(0.05)
    may_end.set()
    assert second_is_slow.wait(30)
    for thread in threads:
        thread.join()
