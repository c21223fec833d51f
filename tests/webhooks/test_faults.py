"""Faults of deliveries, as a receiver sees them."""

from __future__ import annotations

import openai
import pytest

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from mockserver.webhooks.faults import KINDS, WebhookFault
from tests.receiver import Receiver
from tests.waiting import eventually


@pytest.fixture(autouse=True)
def _frozen(mock: MockServer) -> None:
    mock.clock.freeze()


def test_a_late_event_has_the_time_at_which_it_happened(
    mock: MockServer, api: AudioApi, receiver: Receiver
) -> None:
    endpoint = api.webhooks.add(receiver.url)
    api.webhooks.break_next("late", seconds=600)
    happened = int(mock.clock.now())
    api.send_webhook("batch.completed", {"id": "late"})
    api.send_webhook("batch.completed", {"id": "usual"})
    receiver.wait_for(1)
    mock.clock.advance(599)
    api.send_webhook("batch.completed", {"id": "last"})
    receiver.wait_for(2)
    mock.clock.advance(1)
    receiver.wait_for(3)
    assert receiver.events(endpoint.secret) == ["usual", "last", "late"]
    assert receiver.received[2].event(endpoint.secret).created_at == happened


def test_a_duplicate_has_the_same_id(api: AudioApi, receiver: Receiver) -> None:
    endpoint = api.webhooks.add(receiver.url)
    api.webhooks.break_next("duplicate", copies=2)
    (sent,) = api.send_webhook("batch.completed", {"id": "batch_1"})
    receiver.wait_for(3)
    api.webhooks.wait_for("batch.completed")
    assert {each.header("webhook-id") for each in receiver.received} == {sent.id}
    assert receiver.events(endpoint.secret) == ["batch_1"] * 3


def test_a_reordered_event_comes_after_the_next_one(api: AudioApi, receiver: Receiver) -> None:
    endpoint = api.webhooks.add(receiver.url)
    api.webhooks.break_next("reordered", times=2)
    for id_ in ("first", "second", "third"):
        api.send_webhook("batch.completed", {"id": id_})
    receiver.wait_for(3)
    assert receiver.events(endpoint.secret) == ["third", "first", "second"]


def test_a_reordered_event_does_not_wait_forever(mock: MockServer, api: AudioApi, receiver: Receiver) -> None:
    endpoint = api.webhooks.add(receiver.url)
    api.webhooks.break_next("reordered")
    api.send_webhook("batch.completed", {"id": "batch_1"})
    mock.clock.advance(60)
    receiver.wait_for(1)
    assert receiver.events(endpoint.secret) == ["batch_1"]


@pytest.mark.parametrize("fault", ["bad_signature", "old_timestamp"])
def test_a_request_that_the_sdk_refuses(
    mock: MockServer, api: AudioApi, receiver: Receiver, fault: str
) -> None:
    receiver.statuses = [400, 200]
    endpoint = api.webhooks.add(receiver.url)
    api.webhooks.break_next(fault)  # type: ignore[arg-type]
    api.send_webhook("batch.completed", {"id": "batch_1"})
    (first,) = receiver.wait_for(1)
    with pytest.raises(openai.InvalidWebhookSignatureError, match=r"does not match|too old"):
        first.event(endpoint.secret)
    mock.clock.advance(5)
    (delivery,) = api.webhooks.wait_for("batch.completed")
    assert receiver.received[1].event(endpoint.secret).type == "batch.completed"
    assert [each.fault for each in delivery.attempts] == [fault, None]


def test_a_receiver_that_is_down_is_not_called(mock: MockServer, api: AudioApi, receiver: Receiver) -> None:
    api.webhooks.add(receiver.url)
    api.webhooks.break_next("down", times=3)
    api.send_webhook("batch.completed")
    for wait in (5, 10, 20):
        assert receiver.received == []
        mock.clock.advance(wait)
    (delivery,) = api.webhooks.wait_for("batch.completed")
    receiver.wait_for(1)
    assert [each.error for each in delivery.attempts] == ["a fault keeps the receiver down"] * 3 + [None]


def test_a_fault_hits_what_it_names(mock: MockServer, api: AudioApi, receiver: Receiver) -> None:
    one, other = api.webhooks.add(receiver.url), api.webhooks.add(receiver.url)
    api.webhooks.break_next("down", None, events=["response.*"], endpoint=one.id)
    for kind in ("batch.completed", "response.completed"):
        api.send_webhook(kind)
    receiver.wait_for(3)
    (down,) = eventually(
        lambda: [each for each in api.webhooks.deliveries(status="pending") if each.attempts]
    )
    assert (down.endpoint, down.type) == (one.id, "response.completed")
    api.webhooks.wait_for(endpoint=other, at_least=2)
    mock.webhooks.reset()
    assert mock.webhooks.deliveries() == []


def test_faults_of_an_account_and_of_all(mock: MockServer, receiver: Receiver) -> None:
    ann, bob = mock.account(), mock.account()
    endpoint = mock.webhooks.add(receiver.url)
    ann.webhooks.break_next("late")
    mock.webhooks.break_next("late")
    for api in (ann, bob, bob):
        api.send_webhook("batch.completed", {"id": api.api_key})
    receiver.wait_for(1)
    assert receiver.events(endpoint.secret) == [bob.api_key]
    assert eventually(lambda: len(mock.webhooks.deliveries(status="pending")) == 2)
    assert [each.due for each in mock.webhooks.deliveries(status="pending")] == [mock.clock.now() + 60] * 2


@pytest.mark.parametrize(
    ("arguments", "options", "error"),
    [
        (("slow",), {}, ValueError),
        (("late", 0), {}, ValueError),
        (("late",), {"seconds": -1}, ValueError),
        (("duplicate",), {"copies": 0}, ValueError),
        (("late",), {"events": ["batch.complete"]}, ValueError),
        (("late",), {"events": []}, ValueError),
        (("late",), {"copies": 2}, ValueError),
        (("down",), {"seconds": 5}, ValueError),
        (("late",), {"after": 1}, TypeError),
    ],
)
def test_a_fault_that_makes_no_sense(
    api: AudioApi, arguments: tuple[object], options: dict[str, object], error: type[Exception]
) -> None:
    with pytest.raises(error):
        api.webhooks.break_next(*arguments, **options)  # type: ignore[arg-type]


def test_faults_are_bounded(api: AudioApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockserver.webhooks.faults._MAX_FAULTS", 2)
    api.webhooks.break_next("late")
    api.webhooks.break_next("late")
    with pytest.raises(ValueError, match="There are 2 faults of webhooks already"):
        api.webhooks.break_next("late")


def test_the_kinds_are_those_of_the_schemas(schemas: Schemas) -> None:
    assert set(schemas.properties("mock/webhook_fault")["fault"]["enum"]) == set(KINDS)
    row = {
        "account": "a",
        "key": "webhook-fault-1",
        "value": WebhookFault(id="webhook-fault-1", fault="late").value,
    }
    assert schemas.violations("state/webhook_fault", row) == []
