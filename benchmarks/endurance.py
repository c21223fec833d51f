"""Memory of the server over a million requests of many kinds, once its journal and its heaps are full."""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.client import get, post, upload
from benchmarks.clips import PASSAGE, spoken_bytes, write_fixture
from benchmarks.load import NUMBER, client, send_mix
from benchmarks.processes import HIGH_LIMITS, clean_environment, mockserver
from benchmarks.report import Row
from benchmarks.watcher import memory_of_all

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Server
    from benchmarks.report import Options

_CLIP_BYTES = 20_000
_CONNECTIONS = 16
_FILLING = (
    100_000  # requests before the first sample: ten times what the journal keeps, as heaps fill in turn
)
_SAMPLES = 9  # after that
_LONGEST = 20  # seconds of a load
_SLACK_MIB = 16.0  # memory that the allocator may keep beyond the used memory
_MIB = 1 << 20


def run(options: Options) -> Iterator[Row]:
    """Fill journal and heaps, then sample the memory of the server and its children as often as ``_SAMPLES``."""
    clip = spoken_bytes(_CLIP_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        write_fixture(Path(folder), clip, PASSAGE)
        arguments = ("--fixtures", folder, "--log-level", "warning", "--whisper-model", "none")
        with mockserver(*arguments, *HIGH_LIMITS, environment=clean_environment()) as server:
            load = _Load(server, _mix(clip))
            load.send(_FILLING)
            filled = load.sent
            first = last = memory_of_all(server.pid) / _MIB
            for number in range(1, _SAMPLES + 1):
                load.send(filled + number * (options.requests - filled) // _SAMPLES)
                last = memory_of_all(server.pid) / _MIB
                note = f"{load.rate:,.0f} requests a second, {client()}"
                yield Row(f"memory after {load.sent:,} requests", "MiB", last, first, note=note)
    what = f"grown since {filled:,} requests"
    yield Row(what, "MiB", last - first, _SLACK_MIB, 1.0, "against what is allowed")


class _Load:
    """A mix of requests that is sent to a server: how many were ``sent``, and the latest ``rate`` per second."""

    def __init__(self, server: Server, mix: list[bytes]) -> None:
        self.sent = 0
        self.rate = 0.0
        self._server = server
        self._mix = mix

    def send(self, until: int) -> None:
        """Send requests until so many were sent. Raises ``RuntimeError`` if too many were refused, or too few."""
        while self.sent < until:
            seconds = min((until - self.sent) / self.rate, _LONGEST) if self.rate else 1
            began = time.perf_counter()
            count, refused = send_mix(
                self._server.address, self._mix, _CONNECTIONS, max(1, round(seconds)), sent=self.sent
            )
            self.rate = count / (time.perf_counter() - began)
            self.sent += count
            expected = count / len(self._mix)
            if abs(refused - expected) > 0.1 * expected + _CONNECTIONS:
                raise RuntimeError(
                    f"{refused} of {count} requests were refused, one in {len(self._mix)} expected"
                )


def _mix(clip: bytes) -> list[bytes]:
    """Return requests, one of which exceeds its rate limit. No two chats have the same text."""
    chat = _chat()
    return [
        chat,
        get("/v1/models"),
        chat,
        upload("/v1/audio/transcriptions", {"model": "whisper-1"}, clip),
        chat,
        _chat(stream=True),
        get("/v1/models"),
        chat,
        _chat().replace(b"\r\n", b"\r\nx-mock-limits: requests_per_day=1\r\n", 1),
        upload("/v1/audio/transcriptions", {"model": "gpt-4o-mini-transcribe", "stream": "true"}, clip),
    ]


def _chat(**fields: object) -> bytes:
    messages = [{"role": "user", "content": f"Request {NUMBER.decode()}"}]
    body = {"model": "gpt-4o-mini", "messages": messages, **fields}
    return post("/v1/chat/completions", "application/json", json.dumps(body).encode())
