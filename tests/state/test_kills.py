"""Servers that are killed under load; `python -m benchmarks kills` does so two hundred times."""

from __future__ import annotations

import sys

import pytest

from benchmarks.kills import kills

pytestmark = pytest.mark.slow


@pytest.mark.skipif(sys.platform != "linux", reason="the benchmarks read /proc")
def test_what_was_acknowledged_outlives_kills() -> None:
    found = kills(2, callers=2, lines=300)
    assert found["files"] + found["batches"] > 0
    assert {name: found[name] for name in ("lost", "deleted and there again", "half")} == {
        "lost": 0,
        "deleted and there again": 0,
        "half": 0,
    }
    assert found["twice or out of order"] == found["left over after the next start"] == 0
