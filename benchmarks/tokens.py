"""Exact text tokens: CPU time of a chat and of 140 tokens, loading, memory; against the estimate without splintr."""

from __future__ import annotations

import json
import statistics
import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from benchmarks.client import exchange, post
from benchmarks.processes import Server, clean_environment
from benchmarks.report import Row
from mockserver.wire import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.report import Options

_SERVE = "from mockserver.cli import main; main()"
_WITHOUT = f"import sys; sys.modules['splintr'] = None; {_SERVE}"
_ARGUMENTS = ("serve", "--port", "PORT", "--log-level", "warning", "--whisper-model", "none")
_QUESTION = "Good morning, how are you today?"
_PROSE = "The quick brown fox jumps over the lazy dog. " * 14  # 141 tokens
_HUGE = {
    "English": _PROSE * (10_000_000 // len(_PROSE)),
    "one letter": "a" * 10_000_000,
    "spaces": " " * 10_000_000,
}
_ROUNDS = 8
_REQUESTS = 400  # per round
_STARTS = 7
_CPU_TARGET = 1.1
_HUGE_SECONDS = 2.0
_MIB = 1 << 20


def run(options: Options) -> Iterator[Row]:
    """Keep both servers running and ask them in turn; return medians over the rounds."""
    del options
    yield from _servers()
    yield from _starts()
    yield from _alone()


def _server(program: str) -> Server:
    return Server(
        [sys.executable, "-c", program, *_ARGUMENTS], environment=clean_environment(), ready="/_mock/health"
    )


def _servers() -> Iterator[Row]:
    bodies = {
        "text chat": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": _QUESTION}]},
        "streamed chat": {
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": _QUESTION}],
            "stream": True,
        },
    }
    with ExitStack() as stack:
        exact, estimated = (stack.enter_context(_server(program)) for program in (_SERVE, _WITHOUT))
        for what, body in bodies.items():
            request = post("/v1/chat/completions", "application/json", json.dumps(body).encode())
            for server in (exact, estimated):
                exchange(server.address, request, count=_REQUESTS // 2)
            rounds = [[_cpu(server, request) for server in (exact, estimated)] for _ in range(_ROUNDS)]
            ours, without = (statistics.median(column) * 1000 for column in zip(*rounds, strict=True))
            yield Row(f"CPU per {what}", "ms", ours, without, _CPU_TARGET, "against estimated tokens")
        ours, without = (server.memory() / _MIB for server in (exact, estimated))
        yield Row("memory of the server", "MiB", ours, without, note="resident, one vocabulary loaded")


def _cpu(server: Server, request: bytes) -> float:
    """Return seconds of CPU per request."""
    before = server.cpu_seconds()
    exchange(server.address, request, count=_REQUESTS)
    return (server.cpu_seconds() - before) / _REQUESTS


def _starts() -> Iterator[Row]:
    rounds = []
    for number in range(_STARTS):
        pair = [0.0, 0.0]
        for which in (number % 2, 1 - number % 2):
            with _server((_SERVE, _WITHOUT)[which]) as server:
                pair[which] = server.started_in * 1000
        rounds.append(pair)
    ours, without = (min(column) for column in zip(*rounds, strict=True))
    yield Row("start to first 200, the fastest", "ms", ours, without, note="the vocabulary loads afterwards")


def _alone() -> Iterator[Row]:
    """Measure in this process, in which nothing has been loaded yet."""
    for vocabulary in ("o200k_base", "cl100k_base", "whisper"):
        began = time.perf_counter()
        tokens.load(vocabulary)
        yield Row(f"loading {vocabulary}", "ms", (time.perf_counter() - began) * 1000)
    exact = _microseconds(lambda: tokens.count(_PROSE))
    estimated = _microseconds(lambda: sum(1 for _ in tokens._estimated(_PROSE)))
    yield Row("counting 141 tokens", "us", exact, estimated, note="against the estimate of the same number")
    for what, text in _HUGE.items():
        began = time.perf_counter()
        tokens.count(text)
        took = time.perf_counter() - began
        yield Row(f"counting 10 MB, {what}", "s", took, _HUGE_SECONDS, 1.0, "against what is allowed")


def _microseconds(work: Callable[[], object]) -> float:
    took = []
    for _ in range(_ROUNDS * 10):
        began = time.thread_time()
        for _ in range(100):
            work()
        took.append((time.thread_time() - began) * 1e4)
    return statistics.median(took)
