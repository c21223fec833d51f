"""The time to the first sound of a spoken answer, against the time of the whole answer."""

from __future__ import annotations

import json
import statistics
from typing import TYPE_CHECKING

from benchmarks.client import exchange, post
from benchmarks.clips import PASSAGE
from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.processes import Server
    from benchmarks.report import Options

_TEXT = " ".join(PASSAGE.split()[:50])
_OTHER_TEXT = "Something else altogether."
_KINDS = ("mp3", "opus", "aac", "flac", "wav", "pcm", "sse")
_ROUNDS = 21
_TARGET = 0.25


def run(options: Options) -> Iterator[Row]:
    """Speak a text of 50 words in every format, round by round. File headers do not count as sound."""
    first: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    whole: dict[str, list[float]] = {kind: [] for kind in _KINDS}
    with mockserver(
        "--log-level", "warning", "--whisper-model", "none", environment=clean_environment()
    ) as server:
        header = {kind: _common_bytes(server, kind) for kind in _KINDS}
        for _ in range(_ROUNDS):
            for kind in _KINDS:
                (reply,) = exchange(server.address, _request(kind, _TEXT))
                first[kind].append(reply.seconds_until(header[kind] + 1))
                whole[kind].append(reply.seconds)
    for kind in _KINDS:
        ours, whole_answer = (statistics.median(times[kind]) * 1000 for times in (first, whole))
        yield Row(f"first sound, {kind}", "ms", ours, whole_answer, _TARGET)


def _request(kind: str, text: str) -> bytes:
    body = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": text}
    body |= {"stream_format": "sse"} if kind == "sse" else {"response_format": kind}
    return post("/v1/audio/speech", "application/json", json.dumps(body).encode())


def _common_bytes(server: Server, kind: str) -> int:
    """Return how many first bytes two different speeches share."""
    bodies = [bytes(exchange(server.address, _request(kind, text))[0].body) for text in (_TEXT, _OTHER_TEXT)]
    return next(position for position, (one, other) in enumerate(zip(*bodies, strict=False)) if one != other)
