"""The benchmark `endurance`: its rows, and the watcher's samples; `python -m benchmarks endurance` measures."""

from __future__ import annotations

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("the benchmarks read /proc", allow_module_level=True)

from benchmarks import endurance
from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Options
from benchmarks.watcher import Watcher, memory_of_all


@pytest.mark.slow
def test_memory_is_sampled_nine_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endurance, "_FILLING", 100)
    *samples, grown = endurance.run(Options(requests=300))
    assert len(samples) == 9
    assert all(row.ours and row.rival for row in samples)
    assert grown.verdict


@pytest.mark.slow
def test_a_load_that_ends_at_once_is_watched_too() -> None:
    with mockserver("--whisper-model", "none", environment=clean_environment()) as server:
        idle = memory_of_all(server.pid)
        with Watcher(server) as watcher:
            pass
    assert watcher.seen.answers > 0
    assert watcher.seen.most_memory >= 0.9 * idle
