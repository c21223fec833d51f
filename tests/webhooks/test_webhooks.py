"""Webhooks over real sockets: events reach their endpoints, as the official SDK reads them."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any, get_args

import openai
import pytest
from openai.types.webhooks import UnwrapWebhookEvent

from mockserver.catalog.webhook_events import webhook_table
from mockserver.settings.model import Settings, SettingsError, WebhookRow
from mockserver.state.memory import documents
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.webhooks import webhooks
from tests.receiver import Receiver, receiving
from tests.waiting import eventually

SECRET = "whsec_RdvaYFYUXuIFuEbvZHwMfYFhUf7aMYjYcmM24+Aj40c="


def typed() -> dict[str, Any]:
    """Return the SDK's types of events by their names."""
    (union, _) = get_args(UnwrapWebhookEvent)
    return {get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(union)}


def test_a_request_looks_like_the_service_s(api: AudioApi, receiver: Receiver) -> None:
    endpoint = api.webhooks.add(receiver.url, secret=SECRET)
    (sent,) = api.send_webhook("batch.completed", {"id": "batch_é"})
    (received,) = receiver.wait_for(1)
    names = [name.lower() for name, _ in received.headers]
    assert names == [
        *("host", "user-agent", "content-type", "webhook-id", "webhook-timestamp", "webhook-signature"),
        *("content-length", "connection"),
    ]
    assert received.header("user-agent") == "OpenAI/1.0 (+https://platform.openai.com/docs/webhooks)"
    assert received.header("content-type") == "application/json"
    assert received.header("webhook-id") == sent.id
    assert abs(int(received.header("webhook-timestamp")) - time.time()) < 60
    event = json.loads(received.body)
    assert list(event) == ["id", "object", "created_at", "type", "data"]
    assert received.body == json.dumps(event).encode()
    assert (event["id"][:4], sent.id[:3], endpoint.id[:3]) == ("evt_", "wh_", "we_")
    assert received.path == "/webhook"


def test_the_sdk_reads_every_type_of_event(api: AudioApi, receiver: Receiver) -> None:
    api.webhooks.add(receiver.url, secret=SECRET)
    for kind in webhook_table().events:
        api.send_webhook(kind)
    kinds = typed()
    for received, name in zip(
        receiver.wait_for(len(webhook_table().events)), webhook_table().events, strict=True
    ):
        event = received.event(SECRET)
        assert event.type == name
        if name in kinds:
            assert type(event) is kinds[name]
            kinds[name].model_validate(json.loads(received.body), strict=True)
    assert set(kinds) <= set(webhook_table().events)


def test_the_asynchronous_client_reads_it_too(api: AudioApi, receiver: Receiver) -> None:
    api.webhooks.add(receiver.url, secret=SECRET)
    api.send_webhook("response.completed", {"id": "resp_1"})
    (received,) = receiver.wait_for(1)

    async def read() -> Any:
        async with openai.AsyncOpenAI(api_key="x", webhook_secret=SECRET) as sdk:
            sdk.webhooks.verify_signature(received.body, dict(received.headers))
            return sdk.webhooks.unwrap(received.body, dict(received.headers))

    assert asyncio.run(read()).data.id == "resp_1"


def test_another_secret_does_not_verify_it(api: AudioApi, receiver: Receiver) -> None:
    api.webhooks.add(receiver.url)
    api.send_webhook("response.completed")
    (received,) = receiver.wait_for(1)
    with pytest.raises(openai.InvalidWebhookSignatureError):
        received.event(SECRET)


def test_a_new_secret_is_in_whsec_form(api: AudioApi, receiver: Receiver) -> None:
    endpoint = api.webhooks.add(receiver.url)
    api.send_webhook("batch.failed", {"id": "batch_1"})
    receiver.wait_for(1)
    assert endpoint.secret.startswith("whsec_")
    assert receiver.events(endpoint.secret) == ["batch_1"]


def test_events_arrive_in_their_order(api: AudioApi, receiver: Receiver) -> None:
    endpoint = api.webhooks.add(receiver.url)
    ids = [f"batch_{number}" for number in range(40)]
    for id_ in ids:
        api.send_webhook("batch.completed", {"id": id_})
    receiver.wait_for(40)
    assert receiver.events(endpoint.secret) == ids


def test_an_endpoint_gets_the_events_that_it_subscribes_to(api: AudioApi) -> None:
    with receiving() as batches, receiving() as failures:
        api.webhooks.add(batches.url, events=["batch.*"])
        api.webhooks.add(failures.url, events=["batch.failed", "response.failed"])
        for kind in ("response.failed", "batch.completed", "response.completed", "batch.failed"):
            api.send_webhook(kind)
        api.webhooks.wait_for(at_least=4)
        assert [json.loads(each.body)["type"] for each in batches.received] == [
            "batch.completed",
            "batch.failed",
        ]
        assert [json.loads(each.body)["type"] for each in failures.received] == [
            "response.failed",
            "batch.failed",
        ]
        assert len({each.id for each in api.webhooks.deliveries()}) == 4
        of_one = [each.event for each in api.webhooks.deliveries("batch.failed")]
        assert of_one[0] == of_one[1]


def test_an_account_gets_its_own_events_and_all_accounts_those_of_each(mock: MockServer) -> None:
    ann, bob = mock.account(), mock.account()
    with receiving() as of_ann, receiving() as of_all:
        ann.webhooks.add(of_ann.url)
        everyone = mock.webhooks.add(of_all.url, secret=SECRET)
        ann.send_webhook("batch.completed", {"id": "of_ann"})
        bob.send_webhook("batch.completed", {"id": "of_bob"})
        of_ann.wait_for(1)
        of_all.wait_for(2)
        assert sorted(of_all.events(SECRET)) == ["of_ann", "of_bob"]
        assert [each.event["data"]["id"] for each in bob.webhooks.deliveries()] == ["of_bob"]
        assert len(mock.webhooks.deliveries()) == 3
        mock.send_webhook("batch.expired", {"id": "of_all"})
        of_ann.wait_for(2)
        of_all.wait_for(3)
        assert everyone in bob.webhooks.endpoints


@pytest.mark.parametrize("status", [500, 404, 302, 199])
def test_a_refused_event_is_sent_again_when_the_clock_is_moved(
    mock: MockServer, api: AudioApi, receiver: Receiver, status: int
) -> None:
    mock.clock.freeze()
    receiver.statuses = [status, status, 204]
    endpoint = api.webhooks.add(receiver.url)
    api.send_webhook("batch.completed", {"id": "batch_1"})
    receiver.wait_for(1)
    mock.clock.advance(5)
    receiver.wait_for(2)
    mock.clock.advance(10)
    (delivery,) = api.webhooks.wait_for("batch.completed")
    assert [each.status for each in delivery.attempts] == [status, status, 204]
    assert receiver.events(endpoint.secret) == ["batch_1"] * 3  # with a timestamp that the SDK accepts
    assert {each.header("webhook-id") for each in receiver.received} == {delivery.id}
    assert len({each.body for each in receiver.received}) == 1


def test_a_receiver_that_is_down_is_tried_for_72_hours(
    mock: MockServer, api: AudioApi, receiver: Receiver
) -> None:
    mock.clock.freeze()
    receiver.statuses = [500]
    api.webhooks.add(receiver.url)
    api.send_webhook("batch.completed")
    began = mock.clock.now()
    mock.clock.advance(72 * 3600)
    (delivery,) = api.webhooks.wait_for(status="failed")
    receiver.wait_for(16)
    spent = [attempt.at - began for attempt in delivery.attempts]
    assert spent == [5 * (2**number - 1) for number in range(16)]
    with pytest.raises(AssertionError, match=r"no attempt succeeded within 72 hours"):
        api.webhooks.wait_for("batch.*", timeout=0)


def test_a_receiver_that_comes_back_gets_the_event(mock: MockServer, api: AudioApi) -> None:
    mock.clock.freeze()
    with receiving() as first:
        port = first.port
    endpoint = api.webhooks.add(f"http://127.0.0.1:{port}/webhook")
    api.send_webhook("batch.completed", {"id": "batch_1"})
    ((attempt,),) = [each.attempts for each in api.webhooks.wait_for(status="pending", attempts=1)]
    assert attempt.status is None
    assert "cannot be reached" in str(attempt.error)
    with receiving(port) as again:
        mock.clock.advance(5)
        api.webhooks.wait_for("batch.completed")
        assert again.events(endpoint.secret) == ["batch_1"]


def test_a_redirect_is_not_followed(api: AudioApi, receiver: Receiver) -> None:
    with receiving() as other:
        receiver.statuses, receiver.headers = [307], {"Location": other.url}
        api.webhooks.add(receiver.url)
        api.send_webhook("batch.completed")
        (delivery,) = api.webhooks.wait_for(status="pending", attempts=1)
        assert delivery.outcome == "pending (answered 307)"
        assert other.received == []


def test_a_receiver_that_hangs_delays_only_its_own_events() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="error", webhook_seconds=0.3)
    with MockServer(settings) as mock, receiving() as hanging, receiving() as quick:
        hanging.hangs = True
        slow = mock.webhooks.add(hanging.url)
        other = mock.webhooks.add(quick.url)
        for number in range(12):
            mock.send_webhook("batch.completed", {"id": str(number)})
        mock.webhooks.wait_for(endpoint=other, at_least=12)
        eventually(lambda: mock.webhooks.deliveries(endpoint=slow)[0].attempts)
        (attempt,) = mock.webhooks.deliveries(endpoint=slow)[0].attempts
        assert attempt.error == f"{hanging.url} did not answer within 0.3 seconds."


def test_a_receiver_that_hangs_does_not_hold_the_end_of_the_server(receiver: Receiver) -> None:
    receiver.hangs = True
    settings = Settings(port=0, whisper_model="none", log_level="error", webhook_seconds=60)
    before = set(threading.enumerate())
    with MockServer(settings) as mock:
        for _ in range(4):
            mock.account().webhooks.add(receiver.url)
        mock.send_webhook("batch.completed")
        receiver.wait_for(4)
        mock.stop()
        left = {each.name for each in set(threading.enumerate()) - before if each.name.startswith("webhook")}
        assert left == set()
        assert [each.attempts for each in mock.webhooks.deliveries()] == [[]] * 4


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook",
        "https://169.254.169.254/latest",
        "http://10.0.0.1:8000/",
        "http://[fe80::1]/",
        "http://0.0.0.0:8000/",
        "http://127.0.0.1.example.com/",
        "http://localhost@example.com/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1:8000",
        "http://",
    ],
)
def test_other_hosts_are_refused(api: AudioApi, url: str) -> None:
    with pytest.raises(ValueError, match=r"webhook_hosts|is not an http: or https: URL"):
        api.webhooks.add(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "127.1.2.3", "[::1]"])
def test_this_machine_may_be_called(api: AudioApi, host: str) -> None:
    assert api.webhooks.add(f"http://{host}:8000/hook").url == f"http://{host}:8000/hook"


def test_a_name_of_this_machine_that_has_another_address_is_not_called(
    api: AudioApi, monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    monkeypatch.setattr("mockserver.remote.post.Poster.__init__.__defaults__", (lambda *_: ["10.0.0.1"],))
    api.webhooks.add(receiver.url.replace("127.0.0.1", "hooks.localhost"))
    api.send_webhook("batch.completed")
    (delivery,) = api.webhooks.wait_for(status="pending", attempts=1)
    assert "has the address 10.0.0.1, which is not public" in delivery.outcome
    assert receiver.received == []


def test_a_host_on_the_list_is_called(receiver: Receiver) -> None:
    settings = Settings(
        port=0, whisper_model="none", webhook_hosts="hooks.example.com, *.internal.example:8443"
    )
    with MockServer(settings) as mock:
        mock.webhooks.add("https://hooks.example.com/a")
        mock.webhooks.add("https://a.internal.example:8443/a")
        with pytest.raises(ValueError, match=r"does not allow hooks\.example\.com:8443"):
            mock.webhooks.add("https://hooks.example.com:8443/a")


def test_endpoints_of_the_configuration(receiver: Receiver) -> None:
    row = WebhookRow(url=receiver.url, secret=SECRET, events=("batch.*",))
    with MockServer(Settings(port=0, whisper_model="none", webhooks=(row,))) as mock:
        api = mock.account()
        mock.reset()
        api.send_webhook("response.completed", {"id": "resp_1"})
        api.send_webhook("batch.completed", {"id": "batch_1"})
        receiver.wait_for(1)
        assert receiver.events(SECRET) == ["batch_1"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (WebhookRow("http://example.com/", SECRET), r"webhooks\[0\]\.url: .* webhook_hosts"),
        (WebhookRow("http://localhost/", "whsec_?"), r"webhooks\[0\]\.secret: is not base64"),
    ],
)
def test_a_configured_endpoint_that_cannot_be_used(row: WebhookRow, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        MockServer(Settings(port=0, whisper_model="none", webhooks=(row,)))


def test_a_response_in_the_background_is_announced(api: AudioApi, receiver: Receiver) -> None:
    endpoint = api.webhooks.add(receiver.url, events=["response.*"])
    response = api.client.responses.create(model="gpt-4o-mini", input="Hello.", background=True)
    api.webhooks.wait_for("response.completed", data={"id": response.id})
    assert receiver.events(endpoint.secret) == [response.id]


def test_a_delivery_can_be_repeated(api: AudioApi, receiver: Receiver) -> None:
    endpoint = api.webhooks.add(receiver.url)
    (sent,) = api.send_webhook("batch.completed", {"id": "batch_1"})
    receiver.wait_for(1)
    api.webhooks.wait_for()
    assert api.webhooks.redeliver(sent).status == "pending"
    receiver.wait_for(2)
    assert receiver.events(endpoint.secret) == ["batch_1", "batch_1"]
    assert {each.header("webhook-id") for each in receiver.received} == {sent.id}
    with pytest.raises(ValueError, match="there is none with the id 'wh_0'"):
        api.webhooks.redeliver("wh_0")


def test_deliveries_to_a_removed_endpoint_fail(mock: MockServer, api: AudioApi, receiver: Receiver) -> None:
    mock.clock.freeze()
    receiver.statuses = [500]
    endpoint = api.webhooks.add(receiver.url)
    api.send_webhook("batch.completed")
    receiver.wait_for(1)
    api.webhooks.remove(endpoint)
    mock.clock.advance(5)
    (delivery,) = api.webhooks.wait_for(status="failed")
    assert delivery.reason == "the endpoint was removed"
    with pytest.raises(ValueError, match="there is none with the id"):
        api.webhooks.remove(endpoint)


def test_a_reset_ends_deliveries(mock: MockServer, api: AudioApi, receiver: Receiver) -> None:
    mock.clock.freeze()
    receiver.statuses = [500]
    api.webhooks.add(receiver.url)
    api.send_webhook("batch.completed")
    receiver.wait_for(1)
    api.reset()
    assert (api.webhooks.endpoints, api.webhooks.deliveries()) == ([], [])
    mock.clock.advance(1000)
    api.webhooks.add(receiver.url)
    api.send_webhook("batch.failed")
    assert json.loads(receiver.wait_for(2)[1].body)["type"] == "batch.failed"


def test_the_oldest_deliveries_make_room_and_pending_ones_are_bounded(
    api: AudioApi, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, mock: MockServer
) -> None:
    monkeypatch.setattr("mockserver.webhooks.webhooks._MAX_DELIVERIES", 3)
    mock.clock.freeze()
    api.webhooks.add(receiver.url)
    for number in range(5):
        api.send_webhook("batch.completed", {"id": str(number)})
        api.webhooks.wait_for(data={"id": str(number)})
    assert [each.event["data"]["id"] for each in api.webhooks.deliveries()] == ["2", "3", "4"]
    receiver.statuses = [500]
    for _ in range(3):
        api.send_webhook("batch.completed")
    with pytest.raises(ValueError, match="3 deliveries are pending already"):
        api.send_webhook("batch.completed")


@pytest.mark.parametrize(
    ("kind", "data", "message"),
    [
        ("batch.complete", None, "Did you mean 'batch.completed'"),
        ("Batch", {}, "type"),
        ("batch.completed", {"x": float("nan")}, "JSON"),
        ("batch.completed", {"x": b"bytes"}, "JSON"),
        ("batch.completed", {"x": "y" * (1 << 20)}, "the maximum is 32768"),
    ],
)
def test_an_event_that_cannot_be_sent(
    api: AudioApi, receiver: Receiver, kind: str, data: Any, message: str
) -> None:
    api.webhooks.add(receiver.url)
    with pytest.raises(ValueError, match=message):
        api.send_webhook(kind, data)


def test_as_many_of_the_largest_events_can_wait_as_deliveries_are_kept() -> None:
    assert webhooks._MAX_DELIVERIES * webhooks._MAX_EVENT <= documents.ROOM_BYTES / 2


def test_the_log_hides_secrets_of_the_url(
    mock: MockServer, api: AudioApi, caplog: pytest.LogCaptureFixture
) -> None:
    with receiving() as gone:
        url = f"{gone.url}?token=f00dfeed-very-hidden-f00dfeed"
    api.webhooks.add(url)
    with caplog.at_level("WARNING", "mockserver"):
        api.send_webhook("batch.completed")
        api.webhooks.wait_for(status="pending", attempts=1)
        eventually(lambda: "cannot be reached" in caplog.text)
    assert "very-hidden" not in caplog.text


def test_pending_deliveries_continue_after_a_restart(tmp_path: Path, receiver: Receiver) -> None:
    receiver.statuses = [500, 200]
    settings = Settings(port=0, whisper_model="none", log_level="error", state=str(tmp_path))
    with MockServer(settings) as mock:
        endpoint = mock.account("sk-mock-tier-5-kept").webhooks.add(receiver.url)
        mock.account("sk-mock-tier-5-kept").send_webhook("batch.completed", {"id": "batch_1"})
        mock.webhooks.wait_for(status="pending", attempts=1)
    with MockServer(settings) as mock:
        mock.clock.advance(10)
        (delivery,) = mock.account("sk-mock-tier-5-kept").webhooks.wait_for("batch.completed")
        assert [each.status for each in delivery.attempts] == [500, 200]
        assert receiver.events(endpoint.secret) == ["batch_1"] * 2


def test_a_problem_with_the_disk_delays_a_delivery(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mockserver.webhooks.webhooks._DISK_WAIT", 0.05)
    settings = Settings(port=0, whisper_model="none", log_level="error", state=str(tmp_path))

    def full(*_: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with MockServer(settings) as mock:
        mock.webhooks.add(receiver.url)
        receiver.hangs = True
        mock.send_webhook("batch.completed")
        receiver.wait_for(1)
        with monkeypatch.context() as disk:
            for change in ("put", "replace"):
                disk.setattr(f"mockserver.state.sqlite.rows.Draft.{change}", full)
            mock._services.webhooks.announce(
                "a/b", "batch.failed", {"id": "b"}
            )  # is logged, and raises nothing
            receiver.hangs = False
            receiver.released.set()
            assert eventually(lambda: len(receiver.received) > 1)
        mock.webhooks.wait_for("batch.completed")
