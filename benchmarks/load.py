"""A load: requests that are sent again and again over kept connections, by ``wrk``, else by processes of our own."""

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
from typing import TYPE_CHECKING

from benchmarks.client import exchange

if TYPE_CHECKING:
    from collections.abc import Sequence

NUMBER = b"12345678"  # in a request of ``send_mix``; the number of the request takes its place

_PROCESSES = 2
_BATCH = 25  # requests of a connection, after which our own client looks at the clock
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_SCRIPT = """
local file = io.open("{path}", "rb")
local request = file:read("*a")
file:close()
wrk.format = function() return request end
"""
_MIX_SCRIPT = """
local requests = {{}}
for number = 1, {count} do
  local file = io.open("{path}" .. number, "rb")
  requests[number] = file:read("*a")
  file:close()
end
local sent = {sent}
request = function()
  sent = sent + 1
  local text = requests[sent % #requests + 1]
  return (string.gsub(text, "{number}", string.format("%08d", sent)))
end
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
        printed = _run_wrk(address, script, connections, seconds)
    return read_wrk(printed)


def _run_wrk(address: tuple[str, int], script: Path, connections: int, seconds: int) -> str:
    """Return what ``wrk`` prints."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}", "--latency", "-s", str(script)]
    command = ["wrk", *options, "http://{}:{}/".format(*address)]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


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


def send_mix(
    address: tuple[str, int], requests: Sequence[bytes], connections: int, seconds: int, *, sent: int
) -> tuple[int, int]:
    """Send ``requests`` in turn for some seconds; return how many were answered, and how many of them not with 2xx.

    ``sent`` were sent before. Raises ``RuntimeError`` when the server hangs up.
    """
    if shutil.which("wrk"):
        return _mix_by_wrk(address, requests, connections, seconds, sent)
    began = time.perf_counter()
    count = refused = 0
    while time.perf_counter() < began + seconds:
        for request in requests:
            numbered = request.replace(NUMBER, b"%08d" % (sent + count))
            replies = exchange(address, numbered, count=connections, connections=connections, refusals=True)
            count += len(replies)
            refused += sum(reply.status >= 300 for reply in replies)
    return count, refused


def _mix_by_wrk(
    address: tuple[str, int], requests: Sequence[bytes], connections: int, seconds: int, sent: int
) -> tuple[int, int]:
    with tempfile.TemporaryDirectory() as folder:
        raw, script = Path(folder, "request"), Path(folder, "load.lua")
        for number, request in enumerate(requests, 1):
            raw.with_name(f"{raw.name}{number}").write_bytes(request)
        filled = _MIX_SCRIPT.format(path=raw, count=len(requests), sent=sent, number=NUMBER.decode())
        script.write_text(filled, "utf-8")
        printed = _run_wrk(address, script, connections, seconds)
    if problem := re.search(r"Socket errors.*", printed):
        raise RuntimeError(f"wrk: {problem[0]}")
    total = re.search(r"(\d+) requests in", printed)
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    if total is None:
        raise RuntimeError(f"wrk printed no figures: {printed}")
    return int(total[1]), int(refused[1]) if refused else 0
