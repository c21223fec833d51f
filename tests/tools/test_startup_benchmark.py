"""The benchmark `startup`: its part `imports`; `python -m benchmarks startup` measures."""

from __future__ import annotations

import sys

import pytest

if sys.platform != "linux":
    pytest.skip("the benchmarks read /proc", allow_module_level=True)

from benchmarks.processes import clean_environment
from benchmarks.startup import PARTS, _import_times


def test_the_modules_of_the_start_are_timed() -> None:
    times = _import_times(clean_environment())
    assert {"mockserver.cli", "mockserver.app", "mockserver.commands.serve"} <= times.keys()
    assert min(times.values()) >= 0
    assert "imports" in PARTS
