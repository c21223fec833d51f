"""``serve --workers``: throughput and CPU time of a request against one process, and what a worker weighs."""

from __future__ import annotations

import json
import os
import statistics
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.client import get, post
from benchmarks.load import client, load
from benchmarks.processes import HIGH_LIMITS, clean_environment, family, mockserver
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Server
    from benchmarks.report import Options

_CORES = os.cpu_count() or 1
_CONNECTIONS = 16
_ROUNDS = 5
_SECONDS = 3  # of a load, in each round
_GAIN = 0.85  # of a core that another worker is worth: 1.7 times the throughput with two
_QUESTION = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello there"}]}
_REQUESTS = {
    "small chat": post("/v1/chat/completions", "application/json", json.dumps(_QUESTION).encode()),
    "GET /v1/models": get("/v1/models"),
}


def run(options: Options) -> Iterator[Row]:
    """Send the same loads in turn to one process, and to as many workers as there are cores."""
    rates: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    costs: defaultdict[tuple[str, int], list[float]] = defaultdict(list)
    numbers = (1, max(_CORES, 2))
    with ExitStack() as stack:
        servers = {number: stack.enter_context(_served(number)) for number in numbers}
        for turn in range(1 + _ROUNDS):
            for what, request in _REQUESTS.items():
                for number, server in servers.items():
                    before = server.cpu_seconds()
                    found = load(server.address, request, _CONNECTIONS, _SECONDS)
                    if turn:  # the first one warms up
                        rates[what, number].append(found.count / found.seconds)
                        costs[what, number].append((server.cpu_seconds() - before) / found.count)
        for what in _REQUESTS:
            yield from _rows(what, rates, costs, numbers)
        yield from _memory(servers, numbers)


def _served(workers: int) -> Server:
    arguments = ("--workers", str(workers), "--log-level", "warning", "--whisper-model", "none")
    return mockserver(*arguments, *HIGH_LIMITS, environment=clean_environment())


def _rows(
    what: str,
    rates: defaultdict[tuple[str, int], list[float]],
    costs: defaultdict[tuple[str, int], list[float]],
    numbers: tuple[int, int],
) -> Iterator[Row]:
    one, many = (1e6 * statistics.median(costs[what, number]) for number in numbers)
    target = 1 / _GAIN
    yield Row(f"{what}, CPU per request, {numbers[1]} workers against one process", "us", many, one, target)
    one, many = (1e6 / statistics.median(rates[what, number]) for number in numbers)
    note = f"{1e6 / many:,.0f} requests a second against {1e6 / one:,.0f}, on cores that {client()} uses, too"
    yield Row(f"{what}, time per request", "us", many, one, 1 / (_GAIN * numbers[1]), note)


def _memory(servers: dict[int, Server], numbers: tuple[int, int]) -> Iterator[Row]:
    """Return what all processes of a server weigh, pages that they share counted once."""
    one, many = (sum(map(_own_share, family(servers[number].pid))) / 2**20 for number in numbers)
    yield Row(f"memory, {numbers[1]} workers against one process", "MiB", many, one, float(numbers[1]))


def _own_share(pid: int) -> int:
    """Return the bytes of a process, its share of those that it shares included."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
