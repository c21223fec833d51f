"""Memory of the process after a million chats without HTTP, against the bound of the journal."""

from __future__ import annotations

import gc
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.in_process import chat, seconds_of_cpu
from benchmarks.report import Row
from mockserver.app import create_app, services_of
from mockserver.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report import Options

_ENTRIES = 10_000
_ROOM_MIB = 16
_SLACK_MIB = 16.0  # memory that the allocator may keep beyond the used memory
_BATCH = 1_000


def run(options: Options) -> Iterator[Row]:
    """Run ``soak`` and return its figures as rows."""
    grown, held = soak(options.requests, entries=_ENTRIES, room_mib=_ROOM_MIB)
    yield Row(
        f"grown by {options.requests:,} requests", "MiB", grown, _SLACK_MIB, 1.0, "against what is allowed"
    )
    yield Row("held by the journal", "MiB", held, float(_ROOM_MIB), 1.0, "against its bound")


def soak(requests: int, *, entries: int, room_mib: int) -> tuple[float, float]:
    """Return the growth of this process over so many chats after its journal is full, and the journal, in MiB."""
    settings = Settings(
        whisper_model="none",
        log_level="warning",
        rate_limits=False,
        journal_entries=entries,
        journal_bytes=room_mib << 20,
    )
    app = create_app(settings)
    chats = (chat(f"Request {number}. " + "word " * (number % 400)) for number in itertools.count())
    _resident_mib()
    for _ in range(0, 2 * entries, _BATCH):
        seconds_of_cpu(app, itertools.islice(chats, _BATCH))
    before = _resident_mib()
    for _ in range(0, requests, _BATCH):
        seconds_of_cpu(app, itertools.islice(chats, _BATCH))
    return _resident_mib() - before, services_of(app).journal.size / (1 << 20)


def _resident_mib() -> float:
    gc.collect()
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in line)
    return int(line.split()[1]) / 1024
