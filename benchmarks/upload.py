"""A 350 KB upload that a fixture answers: CPU time and latency, against aimock answering the same upload."""

from __future__ import annotations

import json
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import aimock
from benchmarks.client import exchange, upload
from benchmarks.clips import PASSAGE, spoken_bytes, write_fixture
from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Server
    from benchmarks.report import Options

_CLIP_BYTES = 350_000
_ROUNDS = 8
_LOADS = ((1, 100), (16, 240))  # connections, requests per round
_CPU_TARGET = 0.35


@dataclass(slots=True)
class _Measured:
    """The measurements of one server for requests over so many connections."""

    cpu_seconds: list[float] = field(default_factory=list)  # per request, a round each
    latencies: list[float] = field(default_factory=list)


def run(options: Options) -> Iterator[Row]:
    """Keep both servers running and ask them in turn; return medians over the rounds."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clip = spoken_bytes(_CLIP_BYTES)
        write_fixture(scratch, clip, PASSAGE)
        arguments = ("--fixtures", str(scratch), "--log-level", "warning", "--whisper-model", "none")
        ours = stack.enter_context(mockserver(*arguments, environment=clean_environment()))
        request = upload("/v1/audio/transcriptions", {"model": "whisper-1"}, clip)
        fixture = {
            "match": {"endpoint": "transcription"},
            "response": {"transcription": {"text": PASSAGE}},
        }
        rival, note = aimock.start(options, stack, scratch, fixture)
        servers = [ours, rival] if rival else [ours]
        for connections, count in _LOADS:
            yield from _rows(connections, _measure(servers, request, connections, count), note)
            note = ""


def _measure(servers: list[Server], request: bytes, connections: int, count: int) -> list[_Measured]:
    for server in servers:
        (reply, *_) = exchange(server.address, request, count=2 * connections, connections=connections)
        if json.loads(reply.body)["text"] != PASSAGE:
            raise RuntimeError(f"the fixture was not what answered: {bytes(reply.body)!r}")
    measured = [_Measured() for _ in servers]
    for _ in range(_ROUNDS):
        for server, found in zip(servers, measured, strict=True):
            before = server.cpu_seconds()
            replies = exchange(server.address, request, count=count, connections=connections)
            found.cpu_seconds.append((server.cpu_seconds() - before) / count)
            found.latencies += [reply.seconds for reply in replies]
    return measured


def _rows(connections: int, measured: list[_Measured], note: str) -> Iterator[Row]:
    cpu = [statistics.median(found.cpu_seconds) * 1000 for found in measured]
    p50 = [statistics.median(found.latencies) * 1000 for found in measured]
    p99 = [statistics.quantiles(found.latencies, n=100)[98] * 1000 for found in measured]
    many = "1 connection" if connections == 1 else f"{connections} connections"
    for what, figures, target in (
        (f"CPU per request, {many}", cpu, _CPU_TARGET),
        (f"latency p50, {many}", p50, 1.0),
        (f"latency p99, {many}", p99, None),
    ):
        ours, rival = (*figures, None)[:2]
        yield Row(what, "ms", ours, rival, target, note)
