"""A load of one request, sent again and again over kept connections: by ``wrk``, else by processes of our own."""

from __future__ import annotations

import re
import shutil
import statistics
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from benchmarks.client import exchange

_PROCESSES = 2
_BATCH = 25  # requests of a connection, after which our own client looks at the clock
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_SCRIPT = """
local file = io.open("{path}", "rb")
local request = file:read("*a")
file:close()
wrk.format = function() return request end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """A load: how many requests were answered in how many seconds, and the p99 of their latency (s)."""

    count: int
    seconds: float
    p99: float


def client() -> str:
    """Return the name of the program that ``load`` uses."""
    return "wrk" if shutil.which("wrk") else f"{_PROCESSES} processes of its own"


def load(address: tuple[str, int], request: bytes, connections: int, seconds: int) -> Load:
    """Send ``request`` over ``connections`` for some seconds.

    Raises ``RuntimeError`` when the server answers other than 2xx, or hangs up.
    """
    if shutil.which("wrk"):
        return by_wrk(address, request, connections, seconds)
    return by_processes(address, request, connections, seconds)


def by_wrk(address: tuple[str, int], request: bytes, connections: int, seconds: int) -> Load:
    """Send the load by ``wrk``."""
    with tempfile.TemporaryDirectory() as folder:
        raw, script = Path(folder, "request"), Path(folder, "load.lua")
        raw.write_bytes(request)
        script.write_text(_SCRIPT.format(path=raw), "utf-8")
        options = ["-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", str(script)]
        command = ["wrk", *options, "http://{}:{}/".format(*address)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return read_wrk(printed)


def read_wrk(printed: str) -> Load:
    """Return the findings in the output of ``wrk --latency``."""
    if problem := re.search(r"Non-2xx.*|Socket errors.*", printed):
        raise RuntimeError(f"wrk: {problem[0]}")
    total = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)", printed)
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s|m)", printed)
    if total is None or p99 is None:
        raise RuntimeError(f"wrk printed no figures: {printed}")
    return Load(int(total[1]), float(total[2]) * _UNITS[total[3]], float(p99[1]) * _UNITS[p99[2]])


def by_processes(address: tuple[str, int], request: bytes, connections: int, seconds: float) -> Load:
    """Send the load by processes that share the connections."""
    count = min(_PROCESSES, connections)
    with ProcessPoolExecutor(count, get_context("spawn")) as pool:
        shares = [pool.submit(_share, address, request, connections // count, seconds) for _ in range(count)]
        found = [share.result() for share in shares]
    latencies = [latency for _, share in found for latency in share]
    longest = max(elapsed for elapsed, _ in found)
    return Load(len(latencies), longest, statistics.quantiles(latencies, n=100)[98])


def _share(
    address: tuple[str, int], request: bytes, connections: int, seconds: float
) -> tuple[float, list[float]]:
    """Return how long one process sent requests, and their latencies (s)."""
    latencies: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() < began + seconds:
        replies = exchange(address, request, count=_BATCH * connections, connections=connections)
        latencies += [reply.seconds for reply in replies]
    return time.perf_counter() - began, latencies
