"""The cost of a line of a batch, against the same request alone; memory of batches of 10,000 and 50,000 lines."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from benchmarks import in_process
from benchmarks.client import exchange, get, post, upload
from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Row
from mockserver.app import create_app
from mockserver.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Server
    from benchmarks.report import Options

_MIB = 1 << 20
_LINES = 10_000
_SMALL, _LARGE = 100, 50_000
_CHATS = 1000
_CPU_TARGET = 1.0
_ROOM_MIB, _ROOM_TARGET = 16.0, 1.0
_LOOK_SECONDS = 0.05
_PATH = "/v1/chat/completions"
_BODY = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Good morning."}]}
_CHAT = post(_PATH, "application/json", json.dumps(_BODY).encode())


def run(options: Options) -> Iterator[Row]:
    """Run a server without a journal, whose memory would grow with every request until it is full."""
    arguments = ("--log-level", "warning", "--whisper-model", "none", "--journal-entries", "0")
    with mockserver(*arguments, environment=clean_environment()) as server:
        exchange(server.address, _CHAT)
        _batch(server, _SMALL)
        alone, called = _cpu_of_chats(server), _cpu_of_calls()
        cpu, seconds = _batch(server, _LINES)
        note = "server CPU, against the same chat over HTTP"
        yield Row("a line", "ms", cpu / _LINES * 1e3, alone * 1e3, _CPU_TARGET, note=note)
        yield Row("a line", "ms", cpu / _LINES * 1e3, called * 1e3, note="against the same chat without HTTP")
        yield Row("lines per second", "", _LINES / seconds)
        yield _memory(server, _LINES)
        yield _memory(server, _LARGE)


def _cpu_of_chats(server: Server) -> float:
    """Return seconds of CPU of one chat over a connection that is kept."""
    before = server.cpu_seconds()
    exchange(server.address, _CHAT, count=_CHATS)
    return (server.cpu_seconds() - before) / _CHATS


def _cpu_of_calls() -> float:
    """Return seconds of CPU of one chat that calls an app in this process."""
    app = create_app(Settings(whisper_model="none", log_level="warning", tier="tier-5", journal_entries=0))
    took = in_process.seconds_of_cpu(app, [in_process.chat("Good morning.")] * _CHATS)
    return sum(took) / _CHATS


def _memory(server: Server, lines: int) -> Row:
    """Return the largest increase of memory while a batch is uploaded and answered."""
    before = server.memory()
    server.forget_peak()
    _batch(server, lines)
    peak = (server.memory("VmHWM") - before) / _MIB
    what = f"memory of {lines:,} lines"
    return Row(what, "MiB", peak, _ROOM_MIB, _ROOM_TARGET, note="at most, against what is allowed")


def _batch(server: Server, lines: int) -> tuple[float, float]:
    """Return CPU time and duration of a batch, from its creation on."""
    request = {"method": "POST", "url": _PATH, "body": _BODY}
    content = b"".join(
        json.dumps({"custom_id": str(each), **request}).encode() + b"\n" for each in range(lines)
    )
    file = _ask(server, upload("/v1/files", {"purpose": "batch"}, content))
    asked = {"input_file_id": file["id"], "endpoint": _PATH, "completion_window": "24h"}
    cpu, began = server.cpu_seconds(), time.perf_counter()
    batch = _ask(server, post("/v1/batches", "application/json", json.dumps(asked).encode()))
    while batch["status"] != "completed":
        if batch["status"] == "failed":
            raise RuntimeError(f"the batch failed: {batch['errors']}")
        time.sleep(_LOOK_SECONDS)
        batch = _ask(server, get(f"/v1/batches/{batch['id']}"))
    return server.cpu_seconds() - cpu, time.perf_counter() - began


def _ask(server: Server, request: bytes) -> dict[str, Any]:
    (reply,) = exchange(server.address, request)
    answer: dict[str, Any] = json.loads(reply.body)
    return answer
