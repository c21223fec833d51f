"""The lines of a slow batch are spread over its time; usage is added up."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.providers.openai.batch_work.record import add_usage, lines_due, next_due, no_usage


def in_progress(total: int, seconds: float) -> dict[str, Any]:
    return {"batch": {"request_counts": {"total": total}}, "work": {"since": 1000.0, "seconds": seconds}}


@pytest.mark.parametrize(
    ("passed", "due"), [(-5, 0), (0, 0), (9.9, 0), (10, 1), (35, 3), (99.9, 9), (100, 10), (500, 10)]
)
def test_lines_are_due_one_after_the_other(passed: float, due: int) -> None:
    assert lines_due(in_progress(10, 100.0), 1000.0 + passed) == due


def test_the_next_line_is_due_when_it_is_due() -> None:
    value = in_progress(10, 100.0)
    for passed in (-5.0, 0.0, 5.0, 10.0, 47.0, 99.0):
        now = 1000.0 + passed
        then = next_due(value, now)
        assert then > now
        assert lines_due(value, then) == lines_due(value, now) + 1


def test_many_lines_are_due_in_a_hundred_portions() -> None:
    value = in_progress(1050, 100.0)
    assert lines_due(value, 1000.5) == 0
    assert lines_due(value, 1001.0) == 10
    assert lines_due(value, 1099.5) == 1039
    assert lines_due(value, 1100.0) == 1050
    assert next_due(value, 1000.5) == 1001.0


def test_without_seconds_all_are_due_at_once() -> None:
    assert lines_due(in_progress(10, 0.0), 1000.0) == 10


@pytest.mark.parametrize(
    "made_up", [{}, {"prompt_tokens": "9"}, {"prompt_tokens_details": [1]}, {"total_tokens": None}]
)
def test_usage_that_a_stub_made_up_may_be_anything(made_up: dict[str, Any]) -> None:
    usage = no_usage()
    add_usage(usage, made_up)
    assert usage == no_usage()


def test_usage_is_added_up() -> None:
    usage = no_usage()
    details = {"cached_tokens": 2}
    add_usage(
        usage,
        {"prompt_tokens": 9, "completion_tokens": 6, "total_tokens": 15, "prompt_tokens_details": details},
    )
    add_usage(usage, {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3})
    assert usage == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 2},
        "output_tokens": 8,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 18,
    }
