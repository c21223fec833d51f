"""Durations in headers, as Go prints them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.limits.headers import go_duration

MILLISECONDS = {"h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "0s"),
        (1, "1ms"),
        (120, "120ms"),
        (999, "999ms"),
        (1_000, "1s"),
        (1_200, "1.2s"),
        (8_640, "8.64s"),
        (10_001, "10.001s"),
        (16_227, "16.227s"),
        (20_000, "20s"),
        (60_000, "1m0s"),
        (60_052, "1m0.052s"),
        (360_000, "6m0s"),
        (432_000, "7m12s"),
        (1_252_666, "20m52.666s"),
        (3_600_000, "1h0m0s"),
        (299_439_057, "83h10m39.057s"),
        (411_480_000, "114h18m0s"),
    ],
)
def test_durations_read_as_published(milliseconds: int, text: str) -> None:
    assert go_duration(milliseconds) == text


@given(st.integers(0, 10**10))
def test_no_duration_loses_a_millisecond(milliseconds: int) -> None:
    parts = re.findall(r"([\d.]+)(ms|h|m|s)", go_duration(milliseconds))
    assert round(sum(float(figure) * MILLISECONDS[unit] for figure, unit in parts)) == milliseconds
