"""The cost of admission per request, against a server without limits; memory of a hundred thousand accounts."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from typing import TYPE_CHECKING

from benchmarks.in_process import chat, seconds_of_cpu
from benchmarks.report import Row
from mockserver.accounts.accounts import Account
from mockserver.app import create_app, services_of
from mockserver.clock import Clock
from mockserver.limits.limiter import Limiter
from mockserver.settings.model import Settings
from mockserver.state.memory.buckets import MemoryBuckets
from mockserver.state.memory.counters import MemoryCounters

if TYPE_CHECKING:
    from collections.abc import Iterator

    import flask

    from benchmarks.report import Options
    from mockserver.catalog.records import ModelCard
    from mockserver.catalog.tables import Catalog

_ALLOWED_US = 30.0
_ROUNDS = 60
_REQUESTS = 50  # per round
_ACCOUNTS = 100_000
_MIB = 1 << 20
_CHAT = chat("Good morning.")


def run(options: Options) -> Iterator[Row]:
    """Call two apps in this process in turn, without sockets; return medians over the rounds."""
    limited, free = (create_app(_settings(rate_limits=limits)) for limits in (True, False))
    for app in (limited, free):
        _round(app)
    pairs = [(_round(limited), _round(free)) for _ in range(_ROUNDS)]
    with_limits, without = (statistics.median(column) for column in zip(*pairs, strict=True))
    yield Row("a chat, in-process", "us", with_limits, without, note="with limits, against without")
    added = statistics.median(ours - theirs for ours, theirs in pairs)
    yield Row("of it the limits", "us", added, _ALLOWED_US, 1.0, "against what is allowed")
    yield from _alone(services_of(limited).catalog)
    yield from _memory(services_of(limited).catalog)


def _settings(*, rate_limits: bool) -> Settings:
    """Return a tier that admits all the chats of a run."""
    return Settings(
        whisper_model="none", log_level="warning", tier="tier-5", rate_limits=rate_limits, mock_headers=False
    )


def _round(app: flask.Flask) -> float:
    """Return microseconds of CPU per chat."""
    return statistics.fmean(seconds_of_cpu(app, [_CHAT] * _REQUESTS)) * 1e6


def _account(number: int) -> Account:
    return Account(f"org-{number}/proj", "sk-...", f"org-{number}", f"proj-{number}", "tier-5")


def _alone(catalog: Catalog) -> Iterator[Row]:
    """Measure admission and settlement of one account, called directly."""
    limiter, model, account = (
        Limiter(catalog, Clock(), Settings(), MemoryBuckets(), MemoryCounters()),
        _model(catalog),
        _account(0),
    )
    took = []
    for _ in range(_ROUNDS):
        began = time.thread_time()
        for _ in range(_REQUESTS):
            limiter.settle(limiter.admit(account, model, 5, has_token_headers=True), 30)
        took.append((time.thread_time() - began) / _REQUESTS * 1e6)
    yield Row(
        "Limiter.admit and settle", "us", statistics.median(took), _ALLOWED_US, 1.0, "against what is allowed"
    )


def _memory(catalog: Catalog) -> Iterator[Row]:
    """Return the memory of a hundred thousand accounts after a request each, one every millisecond."""
    model, clock = _model(catalog), Clock(frozen_at=1.8e9)
    buckets = MemoryBuckets()
    limiter = Limiter(catalog, clock, Settings(), buckets, MemoryCounters())
    most = 0
    tracemalloc.start()
    for number in range(_ACCOUNTS):
        clock.advance(0.001)
        limiter.admit(_account(number), model, 5, has_token_headers=True)
        most = max(most, len(buckets))
    gc.collect()
    kept, peak = (figure / _MIB for figure in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    yield Row(f"{_ACCOUNTS:,} accounts, in the end", "MiB", kept, note=f"peak {peak:.2f} MiB")
    yield Row("buckets kept at most", "", most, 2 * _ACCOUNTS, note="against those that were used")


def _model(catalog: Catalog) -> ModelCard:
    model = catalog.model("gpt-4o-mini")
    assert model is not None
    return model
