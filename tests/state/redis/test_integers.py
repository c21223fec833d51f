"""The arithmetic of the scripts is exact for integers of any size, and equals that of Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mockserver.catalog.limit_kinds import DAY, MINUTE
from mockserver.state.bucket import NEVER, SKEW, Bucket, Draw, Key, Limit, debt_at
from mockserver.state.memory.buckets import MemoryBuckets
from mockserver.state.protocols import Buckets
from mockserver.state.redis.buckets import RedisBuckets
from mockserver.state.redis.opening import connect
from mockserver.state.redis.scripts import _IN_TIME, script
from mockserver.state.redis.server import RedisServer
from mockserver.state.shared import open_shared
from tests.redis_process import RedisProcess
from tests.state.processes import in_processes

NOW = 1_800_000_000_000_000
LATER = 1 << 62  # milliseconds; scripts may begin until then
REQUESTS, TOKENS = 30_000, 150_000_000  # a minute, of the highest tier
EXACT = 1 << 53  # the first integer whose successor is no double

shared_server = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
sizes = st.one_of(
    st.integers(0, 1000),
    st.integers(EXACT - 3, EXACT + 3),
    st.integers(0, 1 << 70),
    st.integers(0, 9).flatmap(
        lambda zeros: st.integers(0, 99).map(lambda digits: digits * 10 ** (7 * zeros))
    ),
)
signed = st.one_of(sizes, sizes.map(lambda size: -size))

Evaluate = Callable[[str, int, int], int]


@pytest.fixture
def server(redis_server: RedisProcess) -> Iterator[RedisServer]:
    server = connect(redis_server.url())
    yield server
    server.close()


@pytest.fixture
def evaluate(server: RedisServer) -> Evaluate:
    """Return a function that calls one of ``integers.lua``."""
    library = script("integers").source.removeprefix(_IN_TIME)

    def call(function: str, *numbers: int) -> int:
        source = f"{library}\nreturn {function}(ARGV[1], ARGV[2])"
        return int(server.call("EVAL", source, 0, *numbers))

    return call


@shared_server
@given(sizes, sizes)
@example(EXACT - 1, 1)
@example(10**14, 10**14)
def test_sums_differences_and_products_are_exact(evaluate: Evaluate, a: int, b: int) -> None:
    assert evaluate("add", a, b) == a + b
    assert evaluate("minus", a, b) == max(0, a - b)
    assert evaluate("times", a, b) == a * b


@shared_server
@given(signed, signed)
def test_times_before_1970_are_negative(evaluate: Evaluate, a: int, b: int) -> None:
    assert evaluate("above", a, b) == max(0, a - b)
    assert evaluate("sum", a, abs(b)) == a + abs(b)


amounts = st.one_of(st.integers(1, 100), st.sampled_from([30_000, 150_000_000]), st.integers(1, 10**15))
limits = st.builds(Limit, amounts, st.sampled_from([MINUTE, DAY]))
steps = st.one_of(
    st.integers(0, 2000),
    st.integers(-2 * SKEW, 2 * SKEW),
    st.sampled_from([-SKEW, SKEW, -SKEW - 1, -1, MINUTE, DAY, -NOW, 1 << 60]),
)
draws = st.tuples(st.sampled_from("abc"), limits, st.one_of(amounts, st.just(0)))
takes = st.tuples(steps, st.lists(draws, min_size=1, max_size=3), st.booleans())


class Hoarder(MemoryBuckets):
    """Buckets in memory that are never removed, as the account in Redis: clocks that go back can see these again."""

    def _sweep(self, now: int) -> None:
        pass


@shared_server
@given(st.lists(takes, max_size=8))
@example([(0, [("a", Limit(150_000_000, DAY), 10**9)], True), (SKEW, [("a", Limit(1, DAY), 1)], False)])
def test_buckets_in_redis_equal_those_in_memory(
    server: RedisServer, happened: list[tuple[int, list[tuple[str, Limit, int]], bool]]
) -> None:
    redis, memory, now = RedisBuckets(server), Hoarder(), NOW
    redis.clear()
    for step, taken, settles in happened:
        now += step
        requested = [Draw(("ann", "gpt-4o", kind), limit, amount) for kind, limit, amount in taken]
        assert redis.take_all(requested, now) == memory.take_all(requested, now)
        if settles:
            settled = Draw(requested[0].key, requested[0].limit, -requested[0].amount // 2)
            for store in (redis, memory):
                store.charge(settled, now)
        assert in_use(redis, now) == in_use(memory, now)


def in_use(store: Buckets, now: int) -> dict[Key, tuple[Bucket, Limit]]:
    """Return the buckets that are not full; full ones can be removed."""
    return {key: (held, limit) for key, held, limit in store.items() if debt_at(held, limit, now)}


def test_a_drained_bucket_refills_after_it_has_refused(server: RedisServer) -> None:
    redis, limit, key = RedisBuckets(server), Limit(10, MINUTE), ("ann", "gpt-4o", "requests_per_minute")
    redis.put(key, Bucket(10 * MINUTE + 10_000, NEVER), limit)
    one = [Draw(key, limit, 1)]
    assert redis.take_all(one, NOW)[0] is not None
    assert redis.get(key).at == NOW
    assert redis.take_all(one, NOW + MINUTE)[0] is None


def drain(url: str) -> int:
    """Take ten requests of 5,000 tokens at a time until they are refused. Return how many were admitted."""
    state = open_shared(url)
    draws = [
        Draw(("ann", "gpt-4o", "requests_per_minute"), Limit(REQUESTS, MINUTE), 10),
        Draw(("ann", "gpt-4o", "tokens_per_minute"), Limit(TOKENS, MINUTE), 10 * TOKENS // REQUESTS),
    ]
    admitted = 0
    while state.buckets.take_all(draws, NOW)[0] is None:
        admitted += 10
    state.close()
    return admitted


@pytest.mark.slow
def test_four_processes_enforce_the_limits_of_the_highest_tier_exactly(redis_server: RedisProcess) -> None:
    assert sum(in_processes(4, drain, redis_server.url())) == REQUESTS
