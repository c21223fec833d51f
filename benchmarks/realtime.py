"""Realtime sessions: CPU time for a second of a call, by how much events are late, sessions at once; aimock's."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from websockets.sync.client import connect

from benchmarks import aimock
from benchmarks.client import exchange, post
from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Row
from benchmarks.watcher import HEALTH_TIMEOUT, Watcher

if TYPE_CHECKING:
    from benchmarks.processes import Server
    from benchmarks.report import Options

PARTS = ("cpu", "delay", "sessions", "text")

_SECOND = 48_000  # bytes of PCM
_QUESTION = "What is the weather like in Paris today?"
_TURNS = 8
_PAUSE = 4.0  # seconds after a question
_SESSIONS = 200
_HEALTH_SECONDS = 1.0
_LATE_MS = 20.0  # what is allowed, at the median
_REPLIES = 200
_ARGUMENTS = ("--log-level", "warning", "--no-rate-limits")


def run(options: Options) -> Iterator[Row]:
    """Run the named part, or all."""
    parts: dict[str, Callable[[], Iterator[Row]]] = {
        "cpu": _cpu,
        "delay": _delay,
        "sessions": _sessions,
        "text": lambda: _text(options),
    }
    for name, part in parts.items():
        if options.part in ("", name):
            yield from part()


def _cpu() -> Iterator[Row]:
    """Talk once, as fast as the server takes it; compare with a call of silence."""
    with tempfile.TemporaryDirectory() as folder, _server() as server:
        calls = {"a call with turns": _call(server, _TURNS), "silence": bytes(60 * _SECOND)}
        used = {}
        for what, audio in calls.items():
            _talk(server, folder, audio, 1, 0)  # models are loaded
            before = server.cpu_seconds()
            seconds = _talk(server, folder, audio, 1, 0)["seconds"]
            length = len(audio) / _SECOND
            used[what] = (server.cpu_seconds() - before) / length * 1000
            note = f"{length:.0f} s of audio in {seconds:.1f} s"
            yield Row(
                f"CPU of a second of {what}", "ms", used[what], 1000.0, note=f"{note}; against real time"
            )


def _delay() -> Iterator[Row]:
    """Talk in real time: how long after the chunk that decides it does speech_stopped arrive?"""
    with tempfile.TemporaryDirectory() as folder, _server() as server:
        audio = _call(server, _TURNS)
        late = _late(_talk(server, folder, audio, 1, 1))
    note = f"p99 {late[-1]:.1f} ms, of {len(late)}; against what is allowed"
    yield Row("speech_stopped is late by, p50", "ms", statistics.median(late), _LATE_MS, 1.0, note)


def _sessions() -> Iterator[Row]:
    """Talk in many sessions at once, in real time."""
    with tempfile.TemporaryDirectory() as folder, _server() as server:
        audio = _call(server, 3)
        _talk(server, folder, audio, 1, 0)
        before, cpu = server.memory(), server.cpu_seconds()
        server.forget_peak()
        with Watcher(server) as watcher:
            found = _talk(server, folder, audio, _SESSIONS, 1)
        cpu, peak = server.cpu_seconds() - cpu, server.memory("VmHWM")
    talks = found["talks"]
    whole = sum(
        talk["turns"] == talk["responses"] == talk["transcripts"] >= 3 and not talk["errors"]
        for talk in talks
    )
    yield Row("sessions that end", "", whole, _SESSIONS, note=f"{len(audio) / _SECOND:.0f} s, in real time")
    late = _late(found)
    yield Row("speech_stopped is late by, p50", "ms", statistics.median(late), note=f"p99 {late[-1]:.0f} ms")
    yield Row("memory of a session", "MiB", (peak - before) / _SESSIONS / (1 << 20), note="at the peak")
    load = cpu / found["seconds"]
    note = f"{load:.2f} cores, in {found['seconds']:.0f} s"
    yield Row("sessions for a core", "", _SESSIONS / load, note=note)
    slowest = HEALTH_TIMEOUT if watcher.seen.unanswered else watcher.seen.slowest
    yield Row("health meanwhile", "s", slowest, _HEALTH_SECONDS, 1.0, f"{watcher.seen.answers} checks")


def _text(options: Options) -> Iterator[Row]:
    """Ask for written replies, one after another: CPU time and wall time of each, beside aimock's."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        fixture = {"match": {"userMessage": "Hello"}, "response": {"content": "Hello to you, too."}}
        rival, note = aimock.start(options, stack, Path(folder), fixture)
        ours = stack.enter_context(_server("--whisper-model", "none"))
        stub = {"when": {"endpoint": "realtime"}, "reply": {"text": "Hello to you, too."}}
        body = json.dumps(stub).encode()
        exchange(ours.address, post("/_mock/stubs", "application/json", body), refusals=True)
        found = [_replies(each) if each else (None, None) for each in (ours, rival)]
    (our_cpu, our_wall), (their_cpu, their_wall) = found
    yield Row("CPU of a written reply", "ms", our_cpu, their_cpu, note=note)
    yield Row("a written reply", "ms", our_wall, their_wall, note="a millisecond between deltas of ours")


def _replies(server: Server) -> tuple[float, float]:
    """Return the CPU time and the wall time of a reply, in milliseconds."""
    url = f"ws://127.0.0.1:{server.port}/v1/realtime?model=gpt-realtime"
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}
    create = json.dumps({"type": "conversation.item.create", "item": item})
    respond = json.dumps({"type": "response.create"})
    update = {"type": "session.update", "session": {"type": "realtime", "output_modalities": ["text"]}}
    with connect(url, additional_headers={"authorization": "Bearer sk-benchmark"}) as connection:
        connection.send(json.dumps(update))
        _until(connection, "session.updated")
        cpu, began = server.cpu_seconds(), time.perf_counter()
        for _ in range(_REPLIES):
            connection.send(create)
            connection.send(respond)
            _until(connection, "response.done")
        wall = time.perf_counter() - began
        return (server.cpu_seconds() - cpu) / _REPLIES * 1000, wall / _REPLIES * 1000


def _until(connection: Any, kind: str) -> None:
    while json.loads(connection.recv(timeout=30))["type"] != kind:
        pass


def _server(*arguments: str) -> Server:
    return mockserver(*_ARGUMENTS, *arguments, environment=clean_environment())


def _call(server: Server, turns: int) -> bytes:
    """Return a call: a question, spoken by the server, and silence, several times."""
    request = {"model": "tts-1", "voice": "alloy", "input": _QUESTION, "response_format": "pcm"}
    body = json.dumps(request).encode()
    [reply] = exchange(server.address, post("/v1/audio/speech", "application/json", body))
    speech = reply.body.partition(b"\r\n\r\n")[2] if reply.body.startswith(b"HTTP") else reply.body
    speech = speech[: len(speech) // 2 * 2]
    return bytes(speech + bytes(int(_PAUSE * _SECOND))) * turns


def _talk(server: Server, folder: str, audio: bytes, sessions: int, speed: float) -> Any:
    """Return what ``realtime_client`` measures."""
    file = Path(folder) / "call.pcm"
    file.write_bytes(audio)
    url = f"ws://127.0.0.1:{server.port}/v1/realtime?model=gpt-realtime"
    command = [sys.executable, "-m", "benchmarks.realtime_client", url, str(file), str(sessions), str(speed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def _late(found: Any) -> list[float]:
    """Return by how much speech_stopped was late, in milliseconds, up to the 99th percentile."""
    late = sorted(seconds * 1000 for talk in found["talks"] for seconds in talk["late"])
    return late[: max(1, round(len(late) * 0.99))]
