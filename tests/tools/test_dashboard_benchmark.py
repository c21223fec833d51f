"""The benchmark `dashboard`; `python -m benchmarks dashboard` measures."""

from __future__ import annotations

import re
import sys

import pytest

if sys.platform != "linux":
    pytest.skip("the benchmarks read /proc", allow_module_level=True)

from benchmarks.dashboard import FIELDS
from tests.conftest import ROOT

QUERY = ROOT / "mockserver" / "dashboard" / "static" / "js" / "exchanges" / "query.js"


def test_it_asks_for_the_members_that_the_page_asks_for() -> None:
    listed = re.search(r"FIELDS = \[(.*?)\]", QUERY.read_text("utf-8"), re.DOTALL)
    assert listed is not None
    assert re.findall(r'"(\w+)"', listed[1]) == FIELDS.split(",")
