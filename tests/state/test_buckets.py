"""The store of buckets: charged together or not at all, never beyond their limits, forgotten when full."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mockserver.catalog.limit_kinds import DAY, MINUTE
from mockserver.state import bucket
from mockserver.state.bucket import Bucket, Draw, Key, Limit
from mockserver.state.memory.buckets import MemoryBuckets
from mockserver.state.protocols import Buckets
from mockserver.state.shared import SharedState, open_shared
from tests.state.processes import in_processes

NOW = 1_800_000_000 * bucket.MICROSECONDS
MILLISECOND = 1000  # microseconds

REQUESTS: Key = ("org/proj", "gpt-4o", "requests_per_minute")
DAILY: Key = ("org/proj", "gpt-4o", "requests_per_day")
TOKENS: Key = ("org/proj", "gpt-4o", "tokens_per_minute")


class Take(NamedTuple):
    """A request for tokens."""

    tokens: int


class Settle(NamedTuple):
    """The difference between the tokens that an answer used and its estimate."""

    tokens: int


class Step(NamedTuple):
    """A step of the clock in microseconds, forwards or backwards."""

    microseconds: int


Event = Take | Settle | Step

events = st.lists(
    st.one_of(
        st.builds(Take, st.integers(1, 60)),
        st.builds(Settle, st.integers(-60, 200)),
        st.builds(Step, st.one_of(st.integers(-2 * MINUTE, 2 * MINUTE), st.integers(-2000, 2000))),
    ),
    max_size=40,
)
limits = st.builds(Limit, st.integers(60, 5000), st.sampled_from([MINUTE, DAY]))


one_store = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def buckets(shared: SharedState) -> Buckets:
    return shared.buckets


def remaining(store: Buckets, key: Key, limit: Limit, now: int = NOW) -> int:
    return bucket.remaining(store.get(key), limit, now)


def replay(store: Buckets, limit: Limit, happened: Sequence[Event]) -> list[tuple[int, int, int]]:
    """Return for each event what was admitted, what was given back, and by how much the clock advanced."""
    now, steps = NOW, []
    for event in happened:
        match event:
            case Take(tokens):
                refused, _ = store.take_all([Draw(TOKENS, limit, tokens)], now)
                steps.append((0 if refused else tokens, 0, 0))
            case Settle(tokens):
                store.charge(Draw(TOKENS, limit, tokens), now)
                steps.append((0, max(0, -tokens), 0))
            case Step(microseconds):
                now += microseconds
                steps.append((0, 0, max(0, microseconds)))
    return steps


@one_store
@given(limit=limits, happened=events)
def test_no_window_admits_more_than_its_limit_and_what_was_refilled(
    buckets: Buckets, limit: Limit, happened: list[Event]
) -> None:
    """Allow for a millisecond: requests are admitted in the millisecond that ``wait`` names."""
    buckets.clear()
    steps = replay(buckets, limit, happened)
    for first in range(len(steps)):
        for admitted, given_back, forward in accumulate(
            steps[first:],
            lambda before, each: (before[0] + each[0], before[1] + each[1], before[2] + each[2]),
        ):
            refilled = (forward + MILLISECOND) * limit.amount
            assert admitted * limit.window < (limit.amount + given_back) * limit.window + refilled


@one_store
@given(requests=limits, tokens=limits, happened=events)
def test_a_request_is_admitted_after_the_wait_and_not_a_millisecond_before(
    buckets: Buckets, requests: Limit, tokens: Limit, happened: list[Event]
) -> None:
    buckets.clear()
    now = NOW
    for event in happened:
        match event:
            case Take(amount):
                draws = [Draw(REQUESTS, requests, 1), Draw(TOKENS, tokens, amount)]
                refused, found = buckets.take_all(draws, now)
                if refused is not None:
                    held = found[draws.index(refused)]
                    wait = bucket.wait(held, refused.limit, refused.amount, now)
                    assert buckets.take_all(draws, now + (wait - 1) * MILLISECOND)[0] is not None
                    now += wait * MILLISECOND
                    assert buckets.take_all(draws, now)[0] is None
            case Settle(amount):
                buckets.charge(Draw(TOKENS, tokens, amount), now)
            case Step(microseconds):
                now += microseconds


@one_store
@given(limit=limits, happened=events)
def test_what_is_left_is_never_negative_nor_above_the_limit(
    buckets: Buckets, limit: Limit, happened: list[Event]
) -> None:
    buckets.clear()
    now = NOW
    for event in happened:
        replay(buckets, limit, [event])
        now += event.microseconds if isinstance(event, Step) else 0
        assert 0 <= remaining(buckets, TOKENS, limit, now) <= limit.amount


def test_a_refused_request_is_charged_nowhere(buckets: Buckets) -> None:
    requests, tokens = Limit(10, MINUTE), Limit(100, MINUTE)
    large = [Draw(REQUESTS, requests, 1), Draw(TOKENS, tokens, 60)]
    assert buckets.take_all(large, NOW)[0] is None
    assert buckets.take_all(large, NOW)[0] == large[1]
    assert remaining(buckets, REQUESTS, requests) == 9
    assert remaining(buckets, TOKENS, tokens) == 40


def test_of_several_waits_the_longest_is_returned(buckets: Buckets) -> None:
    draws = [Draw(REQUESTS, Limit(1, MINUTE), 1), Draw(DAILY, Limit(1, DAY), 1)]
    buckets.take_all(draws, NOW)
    assert buckets.take_all(draws, NOW)[0] == draws[1]


def test_a_settlement_may_go_below_zero_and_has_to_be_refilled(buckets: Buckets) -> None:
    limit = Limit(60, MINUTE)
    buckets.charge(Draw(TOKENS, limit, 90), NOW)
    assert remaining(buckets, TOKENS, limit) == 0
    assert bucket.reset(buckets.get(TOKENS), limit, NOW) == 90_000
    refused, (held,) = buckets.take_all([Draw(TOKENS, limit, 1)], NOW)
    assert refused is not None
    assert bucket.wait(held, limit, 1, NOW) == 31_000


def test_after_the_clock_was_set_back_buckets_refill_from_there(buckets: Buckets) -> None:
    limit = Limit(3, MINUTE)
    one = [Draw(REQUESTS, limit, 1)]
    buckets.take_all([Draw(REQUESTS, limit, 3)], NOW)
    assert buckets.take_all(one, NOW - DAY)[0] is not None
    assert buckets.take_all(one, NOW - DAY + 20 * bucket.MICROSECONDS)[0] is None


def test_a_bucket_refills_by_the_limit_that_held_meanwhile(buckets: Buckets) -> None:
    wide, narrow = Limit(600, MINUTE), Limit(6, MINUTE)
    buckets.take_all([Draw(REQUESTS, wide, 6)], NOW)
    second = NOW + bucket.MICROSECONDS
    refused, (held,) = buckets.take_all([Draw(REQUESTS, narrow, 1)], second)
    assert refused is None
    assert bucket.remaining(held, narrow, second) == 5


class Hoarder(MemoryBuckets):
    """A store that never forgets."""

    def _sweep(self, now: int) -> None:
        pass


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 40), st.integers(0, 30_000_000)), max_size=60))
def test_forgetting_full_buckets_changes_no_answer(requests: list[tuple[int, int, int]]) -> None:
    forgetful, hoarder = MemoryBuckets(), Hoarder()
    limit, now = Limit(100, MINUTE), NOW
    for account, tokens, pause in requests:
        now += pause
        draws = [Draw((str(account), "gpt-4o", "tokens_per_minute"), limit, tokens)]
        refused, buckets = forgetful.take_all(draws, now)
        expected, kept = hoarder.take_all(draws, now)
        assert (refused, bucket.debt_at(buckets[0], limit, now)) == (
            expected,
            bucket.debt_at(kept[0], limit, now),
        )


@pytest.mark.slow
def test_a_hundred_thousand_accounts_leave_only_the_buckets_that_refill() -> None:
    store, limit = MemoryBuckets(), Limit(500, MINUTE)  # one request is refilled in 120 ms
    most = 0
    for number in range(100_000):
        store.take_all(
            [Draw((str(number), "whisper-1", "requests_per_minute"), limit, 1)], NOW + number * 1000
        )
        most = max(most, len(store))
    assert most <= 2 * 120
    assert len(store) <= most


def test_one_account_can_be_filled_up_without_the_others(buckets: Buckets) -> None:
    limit = Limit(3, MINUTE)
    mine, yours = (("mine", "gpt-4o", "requests_per_minute"), ("yours", "gpt-4o", "requests_per_minute"))
    for key in (mine, yours):
        buckets.take_all([Draw(key, limit, 3)], NOW)
    buckets.clear("mine")
    assert (remaining(buckets, mine, limit), remaining(buckets, yours, limit)) == (3, 0)
    assert [key for key, _, _ in buckets.items()] == [yours]


def test_a_bucket_can_be_given_a_level(buckets: Buckets) -> None:
    limit = Limit(100, MINUTE)
    buckets.put(TOKENS, bucket.full(30, limit, NOW), limit)
    assert remaining(buckets, TOKENS, limit) == 70
    assert buckets.get(REQUESTS) == Bucket()


def test_a_clock_that_is_a_little_behind_refills_nothing_twice(buckets: Buckets) -> None:
    limit, ahead = Limit(60, MINUTE), NOW + bucket.MICROSECONDS
    buckets.take_all([Draw(REQUESTS, limit, 60)], NOW)
    for now in (ahead, NOW, ahead, NOW, ahead):
        buckets.take_all([Draw(REQUESTS, limit, 60)], now)
    assert remaining(buckets, REQUESTS, limit, ahead) == 1


def test_a_limit_beyond_64_bits_is_exact(buckets: Buckets) -> None:
    limit = Limit(10**18, DAY)
    buckets.take_all([Draw(TOKENS, limit, 10**18)], NOW)
    buckets.charge(Draw(TOKENS, limit, -7), NOW)
    assert remaining(buckets, TOKENS, limit) == 7
    assert list(buckets.items()) == [(TOKENS, Bucket((10**18 - 7) * DAY, NOW), limit)]


def test_a_new_bucket_is_added_to_those_of_its_group(buckets: Buckets) -> None:
    limit = Limit(10, MINUTE)
    buckets.take_all([Draw(REQUESTS, limit, 4)], NOW)
    buckets.take_all([Draw(TOKENS, limit, 3), Draw(REQUESTS, limit, 4)], NOW)
    assert (remaining(buckets, REQUESTS, limit), remaining(buckets, TOKENS, limit)) == (2, 7)


def test_full_buckets_are_forgotten(buckets: Buckets) -> None:
    limit = Limit(500, MINUTE)  # one request is refilled in 120 ms
    for number in range(300):
        key = (str(number), "whisper-1", "requests_per_minute")
        buckets.take_all([Draw(key, limit, 1)], NOW + number * 120 * MILLISECOND)
    assert len(list(buckets.items())) <= 3


def test_all_buckets_of_an_account_can_be_replaced(buckets: Buckets) -> None:
    limit, level = Limit(3, MINUTE), Bucket(MINUTE, bucket.NEVER)
    other = ("other", "gpt-4o", "requests_per_minute")
    buckets.put(other, level, limit)
    buckets.put(TOKENS, level, limit)
    buckets.replace(TOKENS[0], [(REQUESTS, level, limit)])
    assert set(buckets.items()) == {(other, level, limit), (REQUESTS, level, limit)}
    buckets.replace(None, [])
    assert not list(buckets.items())


def take_until_refused(store: str) -> int:
    """Take single requests; return how many were admitted."""
    buckets, taken = open_shared(store).buckets, 0
    draws = [Draw(REQUESTS, Limit(1000, DAY), 1), Draw(TOKENS, Limit(1200, DAY), 1)]
    while buckets.take_all(draws, NOW)[0] is None:
        taken += 1
    return taken


@pytest.mark.slow
def test_processes_together_take_exactly_the_limit(several: str) -> None:
    assert sum(in_processes(3, take_until_refused, several)) == 1000
    assert remaining(open_shared(several).buckets, TOKENS, Limit(1200, DAY)) == 200
