"""The states of a response in the background, and its events that are due, as functions of the time."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.providers.openai.response_work import progress

CREATED = 1000.0
EVENTS = [f"event {number}" for number in range(12)]


def value(seconds: float = 10.0, events: list[str] | None = EVENTS) -> dict[str, Any]:
    response = {"id": "resp_1", "created_at": int(CREATED), "status": "queued", "output": []}
    result = response | {"status": "completed", "output": [{"id": "msg_1"}]}
    return progress.new(response, result, CREATED, seconds, events)


@pytest.mark.parametrize(
    ("passed", "status"),
    [
        (0, "queued"),
        (9.9, "queued"),
        (10, "in_progress"),
        (19.9, "in_progress"),
        (20, "completed"),
        (99, "completed"),
    ],
)
def test_the_state_depends_on_the_time(passed: float, status: str) -> None:
    moved = progress.moved(value(), CREATED + passed)
    assert moved["response"]["status"] == status
    assert bool(moved["response"]["output"]) == (status == "completed")


def test_a_state_begins_when_the_one_before_ends() -> None:
    moved = progress.moved(value(), CREATED + 15)
    assert progress.next_change(moved, CREATED + 15) == CREATED + 20
    late = progress.moved(moved, CREATED + 500)
    assert late["background"]["since"] == CREATED + 20


def test_without_seconds_it_ends_at_once() -> None:
    assert progress.is_final(progress.moved(value(seconds=0.0), CREATED))


def test_a_clock_that_was_set_back_begins_the_state_again() -> None:
    moved = progress.moved(value(), CREATED - 100)
    assert moved["response"]["status"] == "queued"
    assert progress.next_change(moved, CREATED - 100) == CREATED - 90


@pytest.mark.parametrize(
    ("passed", "due"), [(0, 2), (9.9, 2), (10, 3), (11, 3), (11.3, 4), (15, 7), (19.9, 10), (20, 12)]
)
def test_events_are_spread_over_the_time_in_progress(passed: float, due: int) -> None:
    now = CREATED + passed
    moved = progress.moved(value(), now)
    assert progress.events_due(moved, now) == due
    if not progress.is_final(moved):
        then = progress.next_event(moved, now)
        assert then > now
        assert progress.events_due(progress.moved(moved, then + 1e-6), then + 1e-6) > due or due == len(
            EVENTS
        )


def test_cancelled_it_has_the_events_that_were_due_and_never_changes() -> None:
    cancelled = progress.cancelled(progress.moved(value(), CREATED + 11.3), CREATED + 11.3)
    assert cancelled["response"]["status"] == "cancelled"
    assert cancelled["background"]["events"] == EVENTS[:4]
    assert cancelled["background"]["result"] is None
    assert progress.moved(cancelled, CREATED + 99) == cancelled
    ended = progress.moved(value(), CREATED + 99)
    assert progress.cancelled(ended, CREATED + 99) == ended


def test_without_a_stream_there_are_no_events() -> None:
    for passed in (0, 10, 20):
        moved = progress.moved(value(events=None), CREATED + passed)
        assert progress.events_due(moved, CREATED + passed) == 0
