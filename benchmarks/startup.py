"""Time from process start to the first 200, against a bare Flask app of one route on the same HTTP server."""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import Server, clean_environment, mockserver
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report import Options

_ROUNDS = 11
_TARGET = 1.5


def run(options: Options) -> Iterator[Row]:
    """Return medians of interleaved rounds, after one in which Python compiles the modules of both."""
    ours: list[Server] = []
    bare: list[Server] = []
    with tempfile.TemporaryDirectory() as bytecode:
        environment = clean_environment(bytecode)
        command = [sys.executable, "-P", str(Path(__file__).with_name("bare_app.py")), "PORT"]  # -P: http.py
        for _ in range(1 + _ROUNDS):
            for servers, server in (
                (ours, mockserver(environment=environment)),
                (bare, Server(command, environment=environment)),
            ):
                with server:
                    servers.append(server)
    seconds = [statistics.median(server.started_in for server in servers[1:]) for servers in (ours, bare)]
    yield Row("start to first 200", "ms", seconds[0] * 1000, seconds[1] * 1000, _TARGET, "median wall time")
    least = [min(server.started_in for server in servers[1:]) for servers in (ours, bare)]
    yield Row(
        "the fastest start", "ms", least[0] * 1000, least[1] * 1000, note="what a quiet machine would see"
    )
