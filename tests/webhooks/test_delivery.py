"""The states of a delivery."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from mockserver.catalog.webhook_events import webhook_table
from mockserver.validation.schemas import Schemas
from mockserver.webhooks.delivery import Attempt, Delivery, Wanted, summary

FIGURES = webhook_table().delivery
EVENT = {"id": "evt_1", "object": "event", "created_at": 100, "type": "batch.completed", "data": {"id": "b"}}
NEW = Delivery(id="wh_1", endpoint="we_1", event=EVENT, created_at=100.0, due=100.0)


def attempt(at: float, status: int | None = 500, **more: Any) -> Attempt:
    return Attempt(at=at, url="http://127.0.0.1/", timestamp=1, status=status, **more)


def test_retries_wait_twice_as_long_each_time_for_72_hours() -> None:
    delivery, waits = NEW, []
    while delivery.due is not None:
        waits.append(delivery.due - (delivery.attempts[-1].at if delivery.attempts else 100.0))
        delivery = delivery.attempted(attempt(delivery.due), FIGURES)
    assert waits[:5] == [0, 5, 10, 20, 40]
    assert all(after == 2 * before for before, after in pairwise(waits[1:]))
    spent = delivery.attempts[-1].at - 100.0
    assert spent <= 72 * 3600 < spent + 2 * waits[-1]
    assert (delivery.status, delivery.reason) == ("failed", "no attempt succeeded within 72 hours")
    assert delivery.outcome == "failed (no attempt succeeded within 72 hours)"


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_a_2xx_ends_it(status: int) -> None:
    delivery = NEW.attempted(attempt(100.0, status), FIGURES)
    assert (delivery.status, delivery.due, delivery.outcome) == ("delivered", None, "delivered")


@pytest.mark.parametrize("status", [None, 100, 199, 300, 302, 400, 410, 500])
def test_everything_else_is_retried(status: int | None) -> None:
    delivery = NEW.attempted(attempt(100.0, status, error=None if status else "gone"), FIGURES)
    assert (delivery.status, delivery.due) == ("pending", 105.0)
    assert delivery.outcome == f"pending ({f'answered {status}' if status else 'gone'})"


def test_copies_follow_the_first_success() -> None:
    delivery = Delivery(id="wh_1", endpoint="we_1", event=EVENT, created_at=100.0, due=100.0, copies=2)
    states = []
    for at in (100.0, 105.0, 106.0, 107.0):
        delivery = delivery.attempted(attempt(at, 500 if at == 100.0 else 200), FIGURES)
        states.append((delivery.status, delivery.due))
    assert states == [("pending", 105.0), ("pending", 105.0), ("pending", 106.0), ("delivered", None)]


def test_a_delivery_that_is_repeated_has_all_its_retries() -> None:
    delivery = NEW.attempted(attempt(100.0), FIGURES).failed("the endpoint was removed").again(1e6)
    assert (delivery.status, delivery.due, delivery.reason) == ("pending", 1e6, None)
    assert delivery.attempted(attempt(1e6), FIGURES).due == 1e6 + 5


def test_only_the_latest_attempts_are_remembered() -> None:
    delivery = NEW
    for number in range(60):
        delivery = delivery.again(float(number)).attempted(attempt(float(number)), FIGURES)
    assert [each.at for each in delivery.attempts] == [float(number) for number in range(10, 60)]


def test_a_value_is_that_of_the_schema(schemas: Schemas) -> None:
    delivery = NEW.attempted(attempt(100.5, error="x", fault="down"), FIGURES)
    row = {"account": "org/proj", "key": "wh_1", "value": delivery.value}
    assert schemas.violations("state/webhook_delivery", row) == []
    assert Delivery.of(delivery.value) == delivery


@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        (Wanted(), True),
        (Wanted(event_type="batch.*", status="pending", endpoint="we_1", attempts=1), True),
        (Wanted(event_type="response.*"), False),
        (Wanted(status="failed"), False),
        (Wanted(endpoint="we_2"), False),
        (Wanted(attempts=2), False),
        (Wanted(data={"id": "b"}), True),
        (Wanted(data={"id": ["another"]}), False),
        (Wanted(data={"more": 1}), False),
    ],
)
def test_what_is_wanted(wanted: Wanted, matches: bool) -> None:
    assert wanted.matches(NEW.attempted(attempt(100.0), FIGURES).value) is matches


def test_a_summary_names_what_happened() -> None:
    assert summary([]) == "There were no deliveries."
    tried = NEW.attempted(attempt(100.0), FIGURES)
    assert summary([tried]) == ("The latest deliveries: batch.completed to we_1: pending (answered 500).")
