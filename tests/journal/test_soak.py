"""Memory over many requests; `python -m benchmarks soak` sends a million."""

from __future__ import annotations

import sys

import pytest

from benchmarks.soak import soak


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_thousands_of_requests_leave_no_more_than_the_journal_holds() -> None:
    grown_mib, held_mib = soak(4_000, entries=500, room_mib=1)
    assert held_mib <= 1
    assert grown_mib <= 16
