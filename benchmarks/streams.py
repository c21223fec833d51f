"""A hundred streamed transcriptions at once, against one alone; by how much the events of 300 slow streams are late."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.client import exchange, post, upload
from benchmarks.clips import PASSAGE, spoken_bytes, write_fixture
from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Row
from benchmarks.watcher import HEALTH_TIMEOUT, Watcher

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.client import Reply
    from benchmarks.report import Options

PARTS = ("fast", "slow")

_CLIP_BYTES = 100_000
_TEXT = " ".join([PASSAGE] * 6)
_STREAMS = 100
_ROUNDS = 5

_SLOW_STREAMS = 300
_EVENT_SECONDS = 0.25  # between two events of a slow stream
_EVENTS = 40
_LATE_MS = 20.0  # what is allowed, at the median
_HEALTH_SECONDS = 1.0


def run(options: Options) -> Iterator[Row]:
    """Run the named part, or both."""
    if options.part in ("", "fast"):
        yield from _fast()
    if options.part in ("", "slow"):
        yield from _slow()


def _fast() -> Iterator[Row]:
    """Request all hundred at the same moment; every stream must end with ``[DONE]``."""
    clip = spoken_bytes(_CLIP_BYTES)
    form = {"model": "gpt-4o-mini-transcribe", "stream": "true"}
    request = upload("/v1/audio/transcriptions", form, clip)
    alone: list[Reply] = []
    together: list[Reply] = []
    walls = []
    with tempfile.TemporaryDirectory() as folder:
        write_fixture(Path(folder), clip, _TEXT)
        arguments = ("--fixtures", folder, "--log-level", "warning", "--whisper-model", "none")
        with mockserver(*arguments, environment=clean_environment()) as server:
            exchange(server.address, request)
            for _ in range(_ROUNDS):
                alone += exchange(server.address, request, count=10)
                began = time.perf_counter()
                together += exchange(server.address, request, count=_STREAMS, connections=_STREAMS)
                walls.append(time.perf_counter() - began)
    complete = sum(reply.body.endswith(b"data: [DONE]\r\n\r\n") for reply in together)
    events = together[0].body.count(b"data: ")
    yield Row("streams that end", "", complete, len(together), note=f"{events} events each")
    for what, replies_to_figure in (("first event", _first_event), ("whole stream", _whole)):
        ours, rival = (
            statistics.median(map(replies_to_figure, replies)) * 1000 for replies in (together, alone)
        )
        yield Row(f"{what}, p50", "ms", ours, rival, note=f"{ours - rival:.0f} ms added")
    share = statistics.median(walls) / _STREAMS * 1000
    whole = statistics.median(map(_whole, alone)) * 1000
    yield Row("time per stream", "ms", share, whole, note="all hundred / 100, against one alone")


def _slow() -> Iterator[Row]:
    """Request chats whose events the server sends at a pace; watch its health meanwhile."""
    reply = {"say": "word " * _EVENTS, "tokens_per_second": 1 / _EVENT_SECONDS}
    stub = json.dumps({"when": {"endpoint": "chat"}, "reply": reply}).encode()
    messages = [{"role": "user", "content": "Speak slowly."}]
    chat = json.dumps({"model": "gpt-4o-mini", "stream": True, "messages": messages}).encode()
    arguments = ("--log-level", "warning", "--whisper-model", "none", "--no-rate-limits")
    with mockserver(*arguments, environment=clean_environment()) as server:
        exchange(server.address, post("/_mock/stubs", "application/json", stub), refusals=True)
        request = post("/v1/chat/completions", "application/json", chat)
        with Watcher(server) as watcher:
            replies = exchange(server.address, request, count=_SLOW_STREAMS, connections=_SLOW_STREAMS)
    complete = sum(reply.body.endswith(b"data: [DONE]\n\n") for reply in replies)
    yield Row("slow streams that end", "", complete, _SLOW_STREAMS, note=f"an event every {_EVENT_SECONDS} s")
    late = [seconds for reply in replies for seconds in _lateness(reply)]
    p99 = statistics.quantiles(late, n=100)[98] * 1000
    note = f"p99 {p99:.1f} ms, of {len(late):,} events; against what is allowed"
    yield Row("an event is late by, p50", "ms", statistics.median(late) * 1000, _LATE_MS, 1.0, note)
    seen = watcher.seen
    slowest = HEALTH_TIMEOUT if seen.unanswered else seen.slowest
    yield Row("health meanwhile", "s", slowest, _HEALTH_SECONDS, 1.0, f"{seen.answers} checks")


def _lateness(reply: Reply) -> Iterator[float]:
    """Yield by how much each event of a slow stream but the first arrived too late after the one before (s)."""
    end, before = 0, None
    while (end := reply.body.find(b"\n\n", end) + 2) > 1:
        arrived = reply.seconds_until(end)
        if before is not None:
            yield arrived - before - _EVENT_SECONDS
        before = arrived


def _first_event(reply: Reply) -> float:
    return reply.seconds_until(1)


def _whole(reply: Reply) -> float:
    return reply.seconds
