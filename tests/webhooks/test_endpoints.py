"""Endpoints of webhooks, and their secrets."""

from __future__ import annotations

from collections.abc import Callable

import openai
import pytest

from mockserver.clock import Clock
from mockserver.ids import Ids
from mockserver.state.memory.documents import MemoryDocuments
from mockserver.validation.schemas import Schemas
from mockserver.webhooks.endpoints import Endpoint, Endpoints, WebhookError, check_events
from mockserver.webhooks.requests import body_of, headers_of

ANN, BOB = "org/ann", "org/bob"
DAY = 86_400.0


@pytest.fixture
def clock() -> Clock:
    return Clock(frozen_at=1_000_000.0)


@pytest.fixture
def endpoints(clock: Clock) -> Endpoints:
    configured = Endpoint(id="we_configured_0", url="http://localhost/", secret="x", source="configuration")
    return Endpoints([configured], MemoryDocuments(), clock, Ids("seed"))


def test_an_account_sees_its_own_and_those_of_all(endpoints: Endpoints) -> None:
    of_ann, of_bob = (endpoints.add(owner, "http://localhost/") for owner in (ANN, BOB))
    of_all = endpoints.add(None, "http://localhost/")
    assert [each.id for _, each in endpoints.visible(ANN)] == ["we_configured_0", of_all.id, of_ann.id]
    assert endpoints.find(of_bob.id, ANN) is None
    assert endpoints.find(of_bob.id, None) == (BOB, of_bob)
    assert len(endpoints.visible(None)) == 4


def test_only_a_change_has_a_new_time(endpoints: Endpoints, clock: Clock) -> None:
    endpoint = endpoints.add(ANN, "http://localhost/", name="one")
    clock.advance(10)
    assert endpoints.change(ANN, endpoint.id, name="one") == endpoint
    changed = endpoints.change(ANN, endpoint.id, name="two", events=("batch.*",))
    assert changed is not None
    assert (changed.name, changed.updated_at, changed.created_at) == ("two", 1_000_010, 1_000_000)
    assert endpoints.change(BOB, endpoint.id, name="three") is None


@pytest.mark.parametrize(("keep_old", "valid"), [(True, [True, False]), (False, [False, False])])
def test_an_old_secret_can_stay_valid_for_a_day(
    endpoints: Endpoints, clock: Clock, keep_old: bool, valid: list[bool]
) -> None:
    endpoint = endpoints.add(ANN, "http://localhost/")
    rotated = endpoints.rotate(ANN, endpoint.id, keep_old=keep_old)
    assert rotated is not None
    assert rotated.secret != endpoint.secret
    found = []
    for _ in range(2):
        assert verifies(rotated, rotated.secret, clock.now)
        found.append(verifies(rotated, endpoint.secret, clock.now))
        clock.advance(DAY)
    assert found == valid


def verifies(endpoint: Endpoint, secret: str, now: Callable[[], float]) -> bool:
    import time

    body, timestamp = body_of({"id": "evt_1"}), int(time.time())
    headers = headers_of("wh_1", timestamp, body, endpoint.secrets(now()), None, "agent")
    try:
        openai.OpenAI(api_key="x").webhooks.verify_signature(body, headers, secret=secret)
    except openai.InvalidWebhookSignatureError:
        return False
    return True


def test_a_stored_endpoint_satisfies_its_schema(endpoints: Endpoints, schemas: Schemas) -> None:
    endpoint = endpoints.add(ANN, "http://localhost/")
    rotated = endpoints.rotate(ANN, endpoint.id, keep_old=True)
    assert rotated is not None
    row = {"account": ANN, "key": endpoint.id, "value": rotated.value}
    assert schemas.violations("state/webhook_endpoint", row) == []


def test_an_account_has_a_hundred_at_most(endpoints: Endpoints) -> None:
    for _ in range(100):
        endpoints.add(ANN, "http://localhost/")
    with pytest.raises(WebhookError, match="There are 100 endpoints already"):
        endpoints.add(ANN, "http://localhost/")
    endpoints.add(BOB, "http://localhost/")


def test_an_endpoint_of_anyone_is_removed_without_an_account(endpoints: Endpoints) -> None:
    endpoint = endpoints.add(ANN, "http://localhost/")
    assert not endpoints.remove(BOB, endpoint.id)
    assert endpoints.remove(None, endpoint.id)
    assert not endpoints.remove(None, endpoint.id)


def test_patterns_of_events() -> None:
    check_events(["*", "batch.*", "response.completed", "*.failed"])
    with pytest.raises(WebhookError, match=r"unknown type of events 'batch\.done'"):
        check_events(["batch.*", "batch.done"])
