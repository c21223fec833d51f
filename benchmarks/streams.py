"""A hundred streamed transcriptions at once, against one alone."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.client import exchange, upload
from benchmarks.clips import PASSAGE, spoken_bytes, write_fixture
from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.client import Reply
    from benchmarks.report import Options

_CLIP_BYTES = 100_000
_TEXT = " ".join([PASSAGE] * 6)
_STREAMS = 100
_ROUNDS = 5


def run(options: Options) -> Iterator[Row]:
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


def _first_event(reply: Reply) -> float:
    return reply.seconds_until(1)


def _whole(reply: Reply) -> float:
    return reply.seconds
