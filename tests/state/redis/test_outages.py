"""Redis goes away and comes back: every call fails clearly or succeeds, and nothing is done later or twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from mockserver.catalog.limit_kinds import MINUTE
from mockserver.state.bucket import Draw, Limit
from mockserver.state.disk import StateFailed, StoreUnreachable
from mockserver.state.redis.outage import Outage
from mockserver.state.shared import SharedState, open_shared
from tests.redis_process import RedisProcess, redis_process
from tests.waiting import eventually

NOW = 1_800_000_000_000_000
DRAW = Draw(("ann", "whisper-1", "requests_per_minute"), Limit(1_000_000, MINUTE), 1)


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    """Return a server of the test alone. It loses everything when it ends."""
    with redis_process() as server:
        yield server


@pytest.fixture
def state(redis: RedisProcess) -> Iterator[SharedState]:
    state = open_shared(f"{redis.url('test')}&timeout=0.3")
    yield state
    state.close()


def count(value: dict[str, Any]) -> int:
    """Count up; return the number."""
    value["n"] = value.get("n", 0) + 1
    number: int = value["n"]
    return number


def works(state: SharedState) -> bool:
    try:
        state.counters.get("uses", "ann")
    except StateFailed:
        return False
    return True


def test_what_fails_while_redis_is_stopped_is_not_done_later(redis: RedisProcess, state: SharedState) -> None:
    assert state.counters.change("uses", "ann", count) == 1
    state.buckets.charge(DRAW, NOW)
    redis.stop()
    for _ in range(3):
        with pytest.raises(StateFailed, match="cannot be used"):
            state.counters.change("uses", "ann", count)
        with pytest.raises(StateFailed):
            state.buckets.charge(DRAW, NOW)
    redis.go_on()
    assert eventually(lambda: works(state))
    assert state.counters.change("uses", "ann", count) == 2
    assert state.buckets.get(DRAW.key).debt == MINUTE


def test_who_waits_while_redis_is_stopped_sees_what_comes_after(
    redis: RedisProcess, state: SharedState
) -> None:
    changes = state.changes
    assert changes is not None
    first = changes.append(b"a")
    redis.stop()
    changes.wait(first, 0.01)
    redis.go_on()
    assert eventually(lambda: works(state))
    with ThreadPoolExecutor() as threads:
        waited = threads.submit(changes.wait, first, 60)
        second = changes.append(b"b")
        waited.result(60)
    assert changes.after(first) == [(second, b"b")]


def test_after_a_restart_without_its_data_a_log_of_changes_begins_again(
    redis: RedisProcess, state: SharedState
) -> None:
    changes = state.changes
    assert changes is not None
    before = changes.append(b"a")
    redis.kill()
    with pytest.raises(StateFailed):
        changes.append(b"b")
    redis.start()
    assert eventually(lambda: works(state))
    assert changes.latest() == 0
    assert changes.after(before) is None
    after = changes.append(b"c")
    assert after > before
    assert changes.after(before) is None
    assert changes.after(0) == [(after, b"c")]


def test_the_log_says_once_that_redis_is_away_and_that_it_is_back(
    redis: RedisProcess, state: SharedState, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        redis.kill()
        for _ in range(5):
            assert not works(state)
        redis.start()
        assert eventually(lambda: works(state))
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
    assert "answered with 503 until it is back" in caplog.text


def test_while_the_store_is_away_one_call_tries_it_and_the_others_fail_at_once() -> None:
    outage = Outage()
    outage.check()
    outage.begin(StoreUnreachable("The store cannot be used: gone"))
    with pytest.raises(StateFailed, match="gone"):
        outage.check()

    def may_try() -> bool:
        try:
            outage.check()
        except StateFailed:
            return False
        return True

    assert eventually(may_try)
    assert not may_try()
    outage.end()
    assert may_try()


@pytest.mark.slow
def test_kills_of_redis_lose_nothing_that_was_acknowledged() -> None:
    """Redis writes every change to its log before it answers, and is killed under load."""
    with redis_process("--appendonly", "yes", "--appendfsync", "always") as redis:
        state = open_shared(f"{redis.url('test')}&timeout=1")
        closing, tried, done = Event(), [], []

        def load() -> None:
            while not closing.is_set():
                tried.append(0)
                try:
                    done.append(state.counters.change("uses", "ann", count))
                except StateFailed:
                    continue

        with ThreadPoolExecutor() as threads:
            loads = [threads.submit(load) for _ in range(4)]
            for _ in range(5):
                enough = len(done) + 100
                assert eventually(lambda enough=enough: len(done) > enough)  # type: ignore[misc]
                redis.kill()
                redis.start()
            closing.set()
            for each in loads:
                each.result(60)
        assert eventually(lambda: works(state))
        total = state.counters.get("uses", "ann")["n"]
        assert len(set(done)) == len(done)
        assert len(done) <= total <= len(done) + 4 * 5
        state.close()
