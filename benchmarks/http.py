"""The cost of a request over HTTP and of a start, against aimock, WireMock and MockServer."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections import defaultdict
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import aimock, java_mocks, npm
from benchmarks.client import exchange, get, post, upload
from benchmarks.clips import PASSAGE, spoken_bytes, write_fixture
from benchmarks.java_mocks import Stub
from benchmarks.load import client, load
from benchmarks.processes import HIGH_LIMITS, clean_environment, mockserver
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from benchmarks.processes import Server
    from benchmarks.report import Options

PARTS = ("aimock", "wiremock", "mockserver")  # the rivals

_CLIP_BYTES = 350_000
_QUESTION = "Hello there"
_ANSWER = f"You wrote: {_QUESTION}"
_ROUNDS = 5
_SECONDS = 2  # of a load, in each round
_OURS = "ours"

Figures = dict[str, list[float]]  # by what was measured, a figure of each round


class _Load(NamedTuple):
    """A request, over so many connections; a part of its answer; what its CPU time may be, against aimock's."""

    what: str
    request: bytes
    answer: str
    connections: int
    target: float

    @property
    def cpu(self) -> str:
        """Return what its figures are called."""
        return f"{self.what}, CPU per request, {_connections(self.connections)}"


_P99 = "small chat, latency p99, 16 connections"
_START = "start to the first 200"
_P99_TARGET = 1.6
_START_TARGET = 1.3


def run(options: Options) -> Iterator[Row]:
    """Start all servers in turn, then keep them running and ask them in turn; return medians over the rounds."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        scratch = Path(folder)
        clip = spoken_bytes(_CLIP_BYTES)
        fixtures = scratch / "fixtures"
        fixtures.mkdir()
        write_fixture(fixtures, clip, PASSAGE)
        servers: dict[str, Callable[[], Server]] = {_OURS: lambda: _ours(fixtures, scratch / "bytecode")}
        notes = {}
        for name in [options.part] if options.part else PARTS:
            try:
                servers[name], notes[name] = _rival(name, options, scratch)
            except npm.NotThere as error:
                yield Row(f"against {name}", note=f"not compared: {error}")
        figures: dict[str, Figures] = {name: defaultdict(list) for name in servers}
        _measure_starts(servers, figures)
        running = {name: stack.enter_context(server()) for name, server in servers.items()}
        loads = _loads(clip)
        _measure_loads(running, loads, figures)
    yield from _rows(loads, figures, notes)


def _loads(clip: bytes) -> list[_Load]:
    """Return the loads, with the targets of each."""
    messages = [{"role": "user", "content": _QUESTION}]
    body = json.dumps({"model": "gpt-4o-mini", "messages": messages}).encode()
    chat = ("small chat", post("/v1/chat/completions", "application/json", body), _ANSWER)
    models = ("GET /v1/models", get("/v1/models"), "gpt-4o")
    form = upload("/v1/audio/transcriptions", {"model": "whisper-1"}, clip)
    sent = ("350 KB upload", form, PASSAGE)
    return [
        _Load(*chat, 1, 2.0),
        _Load(*chat, 16, 2.5),
        _Load(*models, 1, 2.0),
        _Load(*models, 16, 3.0),
        _Load(*sent, 1, 0.2),
        _Load(*sent, 16, 0.2),
    ]


def _ours(fixtures: Path, bytecode: Path) -> Server:
    arguments = ("--fixtures", str(fixtures), "--log-level", "warning", "--whisper-model", "none")
    return mockserver(*arguments, *HIGH_LIMITS, environment=clean_environment(str(bytecode)))


def _rival(name: str, options: Options, scratch: Path) -> tuple[Callable[[], Server], str]:
    """Return what makes a server ready to be started, and its name and version. Raises ``npm.NotThere``."""
    if name == "aimock":
        package = aimock.find(options.aimock, scratch)
        fixtures: list[dict[str, object]] = [
            {"match": {"userMessage": _QUESTION}, "response": {"content": _ANSWER}},
            {"match": {"endpoint": "transcription"}, "response": {"transcription": {"text": PASSAGE}}},
        ]
        return lambda: aimock.server(package, scratch, fixtures), f"aimock {npm.version(package)}"
    stubs = [
        Stub("POST", "/v1/chat/completions", _completion()),
        Stub("GET", "/v1/models", {"object": "list", "data": [{"id": "gpt-4o-mini", "object": "model"}]}),
        Stub("POST", "/v1/audio/transcriptions", {"text": PASSAGE}),
    ]
    if name == "wiremock":
        package = java_mocks.find("wiremock", options.aimock, scratch)
        return lambda: java_mocks.wiremock(package, scratch, stubs), f"WireMock {npm.version(package)}"
    package = java_mocks.find("mockserver-node", options.aimock, scratch)
    return lambda: java_mocks.mockserver(package, scratch, stubs), f"MockServer {npm.version(package)}"


def _completion() -> dict[str, object]:
    message = {"role": "assistant", "content": _ANSWER}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}


def _measure_starts(servers: dict[str, Callable[[], Server]], figures: dict[str, Figures]) -> None:
    """Start each server once per round, after a round in which Python compiles modules."""
    for number in range(1 + _ROUNDS):
        for name, server in servers.items():
            with server() as started:
                if number:
                    figures[name][_START].append(started.started_in)


def _measure_loads(running: dict[str, Server], loads: list[_Load], figures: dict[str, Figures]) -> None:
    """Send each load to each server once per round, after a round in which Java compiles what is used."""
    for name, server in running.items():
        for each in loads:
            _check(name, server, each)
            load(server.address, each.request, each.connections, _SECONDS)
    for _ in range(_ROUNDS):
        for each in loads:
            for name, server in running.items():
                before = server.cpu_seconds()
                found = load(server.address, each.request, each.connections, _SECONDS)
                figures[name][each.cpu].append((server.cpu_seconds() - before) / found.count)
                figures[name][_rate(each)].append(found.seconds / found.count)
                if each.cpu.startswith("small chat") and each.connections == 16:
                    figures[name][_P99].append(found.p99)


def _check(name: str, server: Server, each: _Load) -> None:
    """Raise ``RuntimeError`` if a server does not give the expected answer."""
    (reply,) = exchange(server.address, each.request)
    if each.answer not in reply.body.decode():
        raise RuntimeError(f"{name} answered {each.what} with {bytes(reply.body)!r}")


def _rows(loads: list[_Load], figures: Mapping[str, Figures], notes: dict[str, str]) -> Iterator[Row]:
    """Return the rows of each rival. Only aimock's have targets."""
    targets = {each.cpu: each.target for each in loads} | {_P99: _P99_TARGET, _START: _START_TARGET}
    units = {_P99: ("ms", 1e3), _START: ("s", 1.0)}
    for rival in notes or {"": "no rival"}:
        for what, target in targets.items():
            unit, scale = units.get(what, ("us", 1e6))
            ours, theirs = _median(figures[_OURS], what, scale), None
            if rival:
                theirs = _median(figures[rival], what, scale)
            note = notes.get(rival, "")
            yield Row(what, unit, ours, theirs, target if rival == "aimock" else None, note)
        for each in loads:
            yield _rate_row(each, figures, rival, note)
    one, many = (_median(figures[_OURS], _rate(each), 1e6) for each in loads[:2])
    yield Row("small chat, time per request, 16 connections against 1", "us", many, one, 1.0, client())


def _rate_row(each: _Load, figures: Mapping[str, Figures], rival: str, note: str) -> Row:
    """Return the wall time per request of a load, with the throughput in the note."""
    names = (_OURS, rival) if rival else (_OURS,)
    times = [_median(figures[name], _rate(each), 1e6) for name in names]
    throughput = " against ".join(f"{1e6 / time:,.0f}" for time in times)
    note = ", ".join(filter(None, (f"{throughput} requests a second", note)))
    return Row(_rate(each), "us", times[0], times[1] if rival else None, note=note)


def _median(figures: Figures, what: str, scale: float) -> float:
    return statistics.median(figures[what]) * scale


def _rate(each: _Load) -> str:
    return f"{each.what}, time per request, {_connections(each.connections)}"


def _connections(count: int) -> str:
    return "1 connection" if count == 1 else f"{count} connections"
