"""Time from process start to the first 200, against a bare Flask app of one route; the dearest imports."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.processes import Server, clean_environment, mockserver
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report import Options

PARTS = ("serve", "imports")

_ROUNDS = 11
_TARGET = 1.5
_SHOWN = 10  # modules
_IMPORTS = (
    "import gc; gc.disable(); import mockserver.cli, mockserver.commands.serve"  # as `mockserver serve` does
)
_IMPORTED = re.compile(
    r"import time: +(\d+) \| +\d+ \| +(\S+)"
)  # microseconds without those of inner imports
_OURS = "mockserver"


def run(options: Options) -> Iterator[Row]:
    """Measure the named part, or both, with the modules already compiled."""
    with tempfile.TemporaryDirectory() as bytecode:
        environment = clean_environment(bytecode)
        if options.part in ("", "serve"):
            yield from _starts(environment)
        if options.part in ("", "imports"):
            yield from _imports(environment)


def _starts(environment: dict[str, str]) -> Iterator[Row]:
    """Return medians of interleaved rounds, after one in which Python compiles the modules of both."""
    ours: list[Server] = []
    bare: list[Server] = []
    # With -P, `import http` of the standard library does not find the benchmark beside the script.
    command = [sys.executable, "-P", str(Path(__file__).with_name("bare_app.py")), "PORT"]
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


def _imports(environment: dict[str, str]) -> Iterator[Row]:
    """Return the fastest import of each module of the start: all of ours against all others, and the dearest ten."""
    fastest: dict[str, int] = {}
    for _ in range(1 + _ROUNDS):
        for module, microseconds in _import_times(environment).items():
            fastest[module] = min(microseconds, fastest.get(module, microseconds))
    ours = {module: time for module, time in fastest.items() if module.partition(".")[0] == _OURS}
    rest = sum(fastest.values()) - sum(ours.values())
    note = f"{len(ours)} of {len(fastest)}, against the others"
    yield Row("imports of our modules", "ms", sum(ours.values()) / 1000, rest / 1000, note=note)
    for module in sorted(ours, key=ours.__getitem__, reverse=True)[:_SHOWN]:
        yield Row(module, "ms", ours[module] / 1000)


def _import_times(environment: dict[str, str]) -> dict[str, int]:
    """Return the microseconds that each module of the start takes, without its imports, by name."""
    command = [sys.executable, "-X", "importtime", "-c", _IMPORTS]
    done = subprocess.run(command, env=environment, stderr=subprocess.PIPE, text=True, check=True)
    return {module: int(microseconds) for microseconds, module in _IMPORTED.findall(done.stderr)}
