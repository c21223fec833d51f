"""Stores: what a request and each operation cost in memory, SQLite and Redis, and where one Redis is saturated."""

from __future__ import annotations

import itertools
import json
import statistics
import tempfile
import time
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.client import exchange, post
from benchmarks.processes import HIGH_LIMITS, clean_environment, mockserver
from benchmarks.report import Row
from mockserver.catalog.limit_kinds import MINUTE
from mockserver.state.bucket import Draw, Limit
from mockserver.state.protocols import Bounds
from mockserver.state.shared import open_shared
from tests.redis_process import RedisProcess, redis_process

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.processes import Server
    from benchmarks.report import Options
    from mockserver.state.protocols import Value
    from mockserver.state.shared import SharedState

PARTS = ("operations", "requests")

_ROUNDS = 30
_CALLS = 100  # of an operation, or requests, in each round
_ENTRY = b"x" * 1_500  # a journal entry of a small chat
_QUESTION = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello there"}]}
_CHAT = post("/v1/chat/completions", "application/json", json.dumps(_QUESTION).encode())

_Costs = defaultdict[tuple[str, str], list[float]]  # by what and store


def run(options: Options) -> Iterator[Row]:
    """Do the same in each store in turn, in every round; return medians over the rounds."""
    with redis_process() as redis, tempfile.TemporaryDirectory() as folder:
        stores = {"memory": "memory", "SQLite": f"sqlite:{folder}/", "Redis": redis.url()}
        if options.part in ("", "operations"):
            yield from _operations(stores, redis)
        if options.part in ("", "requests"):
            yield from _requests(stores, redis)


def _operations(stores: dict[str, str], redis: RedisProcess) -> Iterator[Row]:
    """Measure operations of one thread in this process, and Redis's own CPU time for them."""
    costs: _Costs = defaultdict(list)
    states = {name: open_shared(_numbered(store, "operations")) for name, store in stores.items()}
    operations = {name: _calls_of(state) for name, state in states.items()}
    for turn in range(1 + _ROUNDS):
        for what in operations["SQLite"]:
            for name in stores:
                call = operations[name].get(what, _nothing)
                theirs, began, cpu = _cpu_of(redis), time.perf_counter(), time.thread_time()
                for _ in range(_CALLS):
                    call()
                cpu, took = time.thread_time() - cpu, time.perf_counter() - began
                if turn:  # the first one warms up
                    costs[what, name].append(cpu / _CALLS * 1e6)
                    costs[f"{what}, latency", name].append(took / _CALLS * 1e6)
                    costs[f"{what}, in Redis", name].append((_cpu_of(redis) - theirs) / _CALLS * 1e6)
    for state in states.values():
        state.close()
    for what in operations["SQLite"]:
        for name in ("SQLite", "Redis"):
            memory = statistics.median(costs[what, "memory"])
            note = f"latency {statistics.median(costs[f'{what}, latency', name]):.0f} us"
            if name == "Redis":
                note += f"; in Redis {statistics.fmean(costs[f'{what}, in Redis', name]):.0f} us of CPU time"
            yield Row(f"{what}, {name}", "us", statistics.median(costs[what, name]), memory, note=note)


def _calls_of(state: SharedState) -> dict[str, Callable[[], object]]:
    """Return the operations that requests use."""
    draws = [
        Draw(("org/proj", "gpt-4o-mini", "requests_per_minute"), Limit(10**9, MINUTE), 1),
        Draw(("org/proj", "gpt-4o-mini", "tokens_per_minute"), Limit(150_000_000, MINUTE), 20),
    ]
    log = state.open_log("benchmark", Bounds(10_000, 1 << 26))
    ids, now = itertools.count(), time.time_ns() // 1000
    calls: dict[str, Callable[[], object]] = {
        "admission, two limits": lambda: state.buckets.take_all(draws, now),
        "settlement": lambda: state.buckets.charge(draws[1], now),
        "costs": lambda: state.counters.change("costs", "org/proj", _count),
        "journal entry": lambda: log.append(f"req_{next(ids):032}", "org/proj", _ENTRY),
    }
    if state.changes is not None:
        calls["look for changes of definitions"] = state.changes.latest
    return calls


def _count(value: Value) -> None:
    value["requests"] = value.get("requests", 0) + 1


def _nothing() -> None:
    """Do nothing: what memory does for an operation that only several processes need."""


def _requests(stores: dict[str, str], redis: RedisProcess) -> Iterator[Row]:
    """Send small chats to a server of each store, one after the other."""
    costs: _Costs = defaultdict(list)
    calls: list[float] = []
    with ExitStack() as stack:
        servers = {
            name: stack.enter_context(_served(_numbered(store, "requests"))) for name, store in stores.items()
        }
        for turn in range(1 + _ROUNDS):
            for name, server in servers.items():
                asked, theirs = _calls_to(redis), _cpu_of(redis)
                before = server.cpu_seconds()
                took = [reply.seconds for reply in exchange(server.address, _CHAT, count=_CALLS)]
                if turn:
                    costs["CPU", name].append((server.cpu_seconds() - before) / _CALLS * 1e6)
                    costs["latency", name].append(statistics.median(took) * 1e6)
                    costs["in Redis", name].append((_cpu_of(redis) - theirs) / _CALLS * 1e6)
                if turn and name == "Redis":
                    calls.append((_calls_to(redis) - asked) / _CALLS)
        for name in ("SQLite", "Redis"):
            for what in ("CPU", "latency"):
                ours, memory = (statistics.fmean(costs[what, each]) for each in (name, "memory"))
                yield Row(f"small chat, {what}, {name}", "us", ours, memory)
        yield Row("calls of Redis for a small chat", "", statistics.median(calls))
        cpu = statistics.fmean(costs["in Redis", "Redis"])
        note = f"one Redis is saturated by {1e6 / cpu:,.0f} chats a second"
        yield Row("CPU time of Redis for a small chat", "us", cpu, note=note)
        yield _bytes_of_an_entry(servers["Redis"], redis)


def _bytes_of_an_entry(server: Server, redis: RedisProcess) -> Row:
    """Return what a chat adds to Redis's memory, while its journal is not full."""
    before, chats = redis.about("memory")["used_memory"], 2_000
    exchange(server.address, _CHAT, count=chats)
    added = (float(redis.about("memory")["used_memory"]) - float(before)) / chats
    return Row("memory of Redis for a journal entry of a small chat", "bytes", added)


def _served(store: str) -> Server:
    arguments = ("--store", store, "--log-level", "warning", "--whisper-model", "none")
    return mockserver(*arguments, *HIGH_LIMITS, environment=clean_environment())


def _numbered(store: str, name: str) -> str:
    """Return the store for a part of the benchmark."""
    return str(Path(f"{store}{name}.db")) if store.startswith("sqlite") else store.replace("test-", name)


def _cpu_of(redis: RedisProcess) -> float:
    """Return the seconds of CPU time that Redis has used so far."""
    about = redis.about("cpu")
    return float(about["used_cpu_user"]) + float(about["used_cpu_sys"])


def _calls_to(redis: RedisProcess) -> int:
    """Return the number of commands that clients have sent so far."""
    return int(redis.about("stats")["total_reads_processed"])
