"""The arithmetic of a bucket: published answers of the real API, and properties of every limit."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.catalog.limit_kinds import DAY, MINUTE
from mockserver.limits.headers import go_duration
from mockserver.state import bucket
from mockserver.state.bucket import Bucket, Limit

SAMPLES = tomllib.loads(Path(__file__).with_name("samples.toml").read_text("utf-8"))
WINDOWS = {"minute": MINUTE, "day": DAY, "30 days": 30 * DAY}
NOW = 1_800_000_000 * bucket.MICROSECONDS

limits = st.builds(Limit, st.integers(1, 200_000_000), st.sampled_from([MINUTE, DAY, 30 * DAY]))
debts = st.integers(0, 10**21)


def limit_of(sample: dict[str, Any]) -> Limit:
    return Limit(sample["limit"], WINDOWS[sample["window"]])


@pytest.mark.parametrize("sample", SAMPLES["resets"], ids=lambda sample: sample["name"])
def test_published_headers_come_out_to_the_millisecond(sample: dict[str, Any]) -> None:
    limit = limit_of(sample)
    taken = bucket.take(Bucket(), limit, sample["used"], NOW)
    later = NOW + sample["elapsed_us"]
    assert bucket.remaining(taken, limit, later) == sample["remaining"]
    assert go_duration(bucket.reset(taken, limit, later)) == sample["reset"]


@pytest.mark.parametrize("sample", SAMPLES["waits"], ids=lambda sample: sample["name"])
def test_published_refusals_come_out_to_the_millisecond(sample: dict[str, Any]) -> None:
    limit = limit_of(sample)
    held = bucket.full(sample["used"], limit, NOW)
    assert bucket.used(held, limit, NOW) == sample["used"]
    assert go_duration(bucket.wait(held, limit, sample["requested"], NOW)) == sample["wait"]


def test_an_untouched_bucket_is_full() -> None:
    limit = Limit(3, MINUTE)
    assert bucket.remaining(Bucket(), limit, NOW) == 3
    assert bucket.reset(Bucket(), limit, NOW) == 0


def test_a_bucket_refills_bit_by_bit_not_window_by_window() -> None:
    limit = Limit(3, MINUTE)
    emptied = bucket.take(Bucket(), limit, 3, NOW)
    seconds = [NOW + second * bucket.MICROSECONDS for second in (0, 19, 20, 40, 60)]
    assert [bucket.remaining(emptied, limit, now) for now in seconds] == [0, 0, 1, 2, 3]


def test_what_is_given_back_never_makes_more_than_the_limit() -> None:
    limit = Limit(100, MINUTE)
    assert bucket.remaining(bucket.take(Bucket(), limit, -50, NOW), limit, NOW) == 100


def test_a_clock_that_was_set_back_refills_nothing() -> None:
    limit = Limit(3, MINUTE)
    emptied = bucket.take(Bucket(), limit, 3, NOW)
    assert bucket.remaining(emptied, limit, NOW - DAY) == 0


@given(limits, debts, st.integers(-DAY, 40 * DAY))
def test_remaining_amounts_are_never_negative_nor_above_the_limit(
    limit: Limit, debt: int, elapsed: int
) -> None:
    held, now = Bucket(debt, NOW), NOW + elapsed
    assert 0 <= bucket.remaining(held, limit, now) <= limit.amount
    assert 0 <= bucket.used(held, limit, now) <= limit.amount
    assert bucket.reset(held, limit, now) >= 0


@given(limits, debts, st.data())
def test_a_wait_is_exact_to_the_millisecond(limit: Limit, debt: int, data: st.DataObject) -> None:
    held = Bucket(debt, NOW)
    amount = data.draw(st.integers(1, limit.amount))
    wait = bucket.wait(held, limit, amount, NOW) * 1000
    assert bucket.wait(held, limit, amount, NOW + wait) == 0
    if wait:
        assert bucket.wait(held, limit, amount, NOW + wait - 1000) == 1


@given(limits, debts)
def test_after_its_reset_a_bucket_lacks_less_than_a_millisecond(limit: Limit, debt: int) -> None:
    held = Bucket(debt, NOW)
    reset = bucket.reset(held, limit, NOW) * 1000
    assert bucket.reset(held, limit, NOW + reset) == 0
    assert bucket.remaining(held, limit, NOW + reset + 1000) == limit.amount
