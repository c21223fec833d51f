"""The memory that a 25 MB upload adds to the server, relative to its size, and the part that remains."""

from __future__ import annotations

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

    from benchmarks.processes import Server
    from benchmarks.report import Options

_CLIP_BYTES = 26_000_000  # with its form just below the limit of 26,214,400
_SMALL_BYTES = 20_000
_MIB = 1 << 20
_SETTLE_SECONDS = 1.0
_LOADING_SECONDS = 5.0  # for what the server loads in the background
_PEAK_TARGET, _REST_TARGET = 3.0, 0.25


def run(options: Options) -> Iterator[Row]:
    """Run two servers, one that knows the clip and one that must decode it; then send 16 uploads at a time."""
    clip = spoken_bytes(_CLIP_BYTES)
    with tempfile.TemporaryDirectory() as folder:
        write_fixture(Path(folder), clip, PASSAGE)
        yield from _uploads("known", clip, ("--fixtures", folder))
    yield from _uploads("unknown", clip, ())


def _uploads(which: str, clip: bytes, arguments: tuple[str, ...]) -> Iterator[Row]:
    request = upload("/v1/audio/transcriptions", {"model": "whisper-1"}, clip)
    small = upload("/v1/audio/transcriptions", {"model": "whisper-1"}, spoken_bytes(_SMALL_BYTES))
    arguments = ("--log-level", "warning", "--whisper-model", "none", *arguments)
    size = len(request) / _MIB
    with mockserver(*arguments, environment=clean_environment()) as server:
        fresh = server.memory()
        exchange(server.address, small)
        time.sleep(_LOADING_SECONDS)
        loaded = server.memory()
        note = "once it has decoded a short clip, against when it was started"
        yield Row(f"the server, {which}", "MiB", loaded / _MIB, fresh / _MIB, note=note)
        for what, count, connections in (
            (f"1 upload, {which}", 1, 1),
            (f"5 more, {which}", 5, 1),
            (f"16 in parallel, {which}", 16, 16),
        ):
            peak, rest = _measure(server, request, count, connections)
            single = connections == 1
            yield Row(f"{what}: peak", "MiB", peak, size, _PEAK_TARGET if single else None)
            yield Row(f"{what}: stays", "MiB", rest, size, _REST_TARGET if single else None)


def _measure(server: Server, request: bytes, count: int, connections: int) -> tuple[float, float]:
    """Return the largest increase of memory in MiB, and the increase 1 s after the last answer."""
    server.forget_peak()
    before = server.memory()
    exchange(server.address, request, count=count, connections=connections)
    time.sleep(_SETTLE_SECONDS)
    return (server.memory("VmHWM") - before) / _MIB, (server.memory() - before) / _MIB
