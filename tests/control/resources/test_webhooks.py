"""`/_mock/webhooks`: endpoints, events by hand, deliveries and faults over the control API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse
from tests.receiver import Receiver, receiving
from tests.waiting import eventually

OTHER_KEY = "sk-mock-tier-5-another-of-webhooks"
FOREIGN = "http://10.1.2.3/hook"

Control = Callable[..., Any]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def control(send: Callable[..., RawResponse], api_key: str) -> Control:
    """Return a function that calls the control API for this test's account and checks the status."""

    def call(
        method: str, path: str = "", body: object = None, *, status: int = 200, key: str | None = api_key
    ) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        response = send(method, f"/_mock/webhooks{path}", data, key=key)
        assert response.status == status, response.body
        return response.json()

    return call


def test_an_endpoint_is_added_shown_and_removed(control: Control, receiver: Receiver) -> None:
    added = control("POST", "", {"url": receiver.url, "events": ["batch.*"], "name": "mine"}, status=201)
    secret = added.pop("secret")
    assert added["secret_hint"] == f"whsec_...{secret[-4:]}"
    assert (added["url"], added["events"], added["name"]) == (receiver.url, ["batch.*"], "mine")
    assert control("GET", f"/{added['id']}") == added
    assert added in control("GET")["endpoints"]
    assert added not in control("GET", key=OTHER_KEY)["endpoints"]
    control("DELETE", f"/{added['id']}", key=OTHER_KEY, status=404)
    assert control("DELETE", f"/{added['id']}") == {"deleted": added["id"]}
    control("GET", f"/{added['id']}", status=404)


def test_an_event_is_sent_and_its_delivery_awaited(control: Control, receiver: Receiver) -> None:
    added = control("POST", "", {"url": receiver.url}, status=201)
    sent = control("POST", "/send", {"type": "batch.completed", "data": {"id": "batch_1"}}, status=202)
    (delivery,) = sent["deliveries"]
    assert (delivery["status"], delivery["endpoint"]) == ("pending", added["id"])
    asked = {"type": "batch.*", "data": {"id": "batch_1"}, "endpoint": added["id"]}
    found = control("POST", "/wait", asked)
    assert (found["count"], found["deliveries"][0]["id"]) == (1, delivery["id"])
    assert receiver.events(added["secret"]) == ["batch_1"]
    shown = control("GET", f"/deliveries/{delivery['id']}")
    assert shown == found["deliveries"][0]
    ((attempt),) = shown["attempts"]
    assert (attempt["status"], attempt["succeeded"], attempt["url"]) == (200, True, receiver.url)
    assert control("GET", "/deliveries?type=response.*") == {"deliveries": []}
    assert control("GET", "/deliveries?status=delivered")["deliveries"] == [shown]
    control("GET", f"/deliveries/{delivery['id']}", key=OTHER_KEY, status=404)


def test_a_wait_that_is_in_vain_says_what_happened(control: Control, receiver: Receiver) -> None:
    assert control("POST", "/wait", {"timeout": 0}, status=422)["error"] == (
        "Expected at least 1 delivered deliveries, got 0. There were no deliveries."
    )
    receiver.statuses = [500]
    control("POST", "", {"url": receiver.url}, status=201)
    control("POST", "/send", {"type": "batch.completed"}, status=202)
    control("POST", "/wait", {"status": "pending", "attempts": 1})
    refused = control("POST", "/wait", {"timeout": 0.1, "at_least": 2}, status=422)
    assert refused["error"].endswith("pending (answered 500).")
    assert (refused["count"], refused["deliveries"]) == (0, [])


def test_a_delivery_is_repeated(control: Control, receiver: Receiver) -> None:
    control("POST", "", {"url": receiver.url}, status=201)
    (sent,) = control("POST", "/send", {"type": "batch.completed"}, status=202)["deliveries"]
    control("POST", "/wait", {})
    again = control("POST", f"/deliveries/{sent['id']}/redeliver", status=202)
    assert (again["status"], len(again["attempts"])) == ("pending", 1)
    receiver.wait_for(2)
    control("POST", "/deliveries/wh_0/redeliver", status=404)


def test_an_event_for_one_endpoint(control: Control, receiver: Receiver) -> None:
    one, other = (
        control("POST", "", {"url": receiver.url, "events": ["batch.failed"]}, status=201) for _ in range(2)
    )
    body = {"type": "response.completed", "endpoint": one["id"]}
    (sent,) = control("POST", "/send", body, status=202)["deliveries"]
    assert (sent["endpoint"], other["id"] != one["id"]) == (one["id"], True)
    assert control("POST", "/send", {"type": "batch.completed"}, status=202) == {"deliveries": []}
    unknown = control("POST", "/send", body | {"endpoint": "we_0"}, status=400)
    assert unknown["error"] == "endpoint: unknown endpoint 'we_0'. GET /_mock/webhooks lists them."


def test_faults_are_listed_and_removed(control: Control, receiver: Receiver) -> None:
    control("POST", "", {"url": receiver.url}, status=201)
    fault = control("POST", "/faults", {"fault": "duplicate", "copies": 1}, status=201)
    assert (fault["id"], fault["hits"]) == ("webhook-fault-1", 0)
    control("POST", "/send", {"type": "batch.completed"}, status=202)
    receiver.wait_for(2)
    assert control("GET")["faults"] == [fault | {"hits": 1}]
    assert control("DELETE", "/faults")["faults"] == []


def test_a_call_without_a_key_is_for_all_accounts(control: Control, receiver: Receiver) -> None:
    added = control("POST", "", {"url": receiver.url}, status=201, key=None)
    try:
        assert added["id"] in [each["id"] for each in control("GET")["endpoints"]]
        refused = control("DELETE", f"/{added['id']}", status=404)
        assert refused["error"].endswith("belongs to all accounts. Send no API key to change it.")
        control("POST", "/send", {"type": "batch.completed", "data": {"id": "mine"}}, status=202)
        receiver.wait_for(1)
        assert receiver.events(added["secret"]) == ["mine"]
    finally:
        control("DELETE", f"/{added['id']}", key=None)


def test_what_an_account_has_is_removed_at_once(control: Control, receiver: Receiver) -> None:
    control("POST", "", {"url": receiver.url}, status=201)
    control("POST", "/faults", {"fault": "late"}, status=201)
    control("POST", "/send", {"type": "batch.completed"}, status=202)
    assert control("DELETE") == {"endpoints": [], "faults": []}
    assert control("GET", "/deliveries") == {"deliveries": []}


def test_a_reset_and_a_snapshot_contain_webhooks(
    server: MockServer, send: Callable[..., RawResponse], control: Control, receiver: Receiver, api_key: str
) -> None:
    added = control("POST", "", {"url": receiver.url}, status=201)
    control("POST", "/faults", {"fault": "late"}, status=201)
    control("POST", "/send", {"type": "batch.completed"}, status=202)
    before = control("GET"), control("GET", "/deliveries")
    snapshot = send("GET", "/_mock/snapshot", key=api_key).body
    send("POST", "/_mock/reset", key=api_key)
    assert control("GET")["endpoints"] == []
    other = server.account()
    for key in (api_key, other.api_key):
        restored = send("PUT", "/_mock/snapshot", snapshot, key=key)
        assert restored.status == 200, restored.body
    assert (control("GET"), control("GET", "/deliveries")) == before
    assert [each.id for each in other.webhooks.endpoints] == [added["id"]]
    other.reset()


@pytest.mark.parametrize(
    ("path", "body", "message"),
    [
        ("", {}, "url"),
        ("", {"url": FOREIGN}, "the setting webhook_hosts does not allow 10.1.2.3:80"),
        ("", {"url": "http://localhost/", "events": []}, "events"),
        ("", {"url": "http://localhost/", "events": ["batch.complete"]}, "Did you mean 'batch.completed'"),
        ("", {"url": "http://localhost/", "secret": "whsec_!"}, "secret: is not base64"),
        ("", {"url": "http://localhost/", "secrets": "x"}, "Did you mean 'secret'"),
        ("/send", {"type": "batch.complete"}, "Did you mean 'batch.completed'"),
        ("/send", {"type": "new.type"}, "type: 'new.type' is no type of the API"),
        ("/send", {"type": "x", "data": {}}, "type"),
        ("/send", {"type": "batch.completed", "data": []}, "data"),
        ("/faults", {"fault": "slow"}, "fault"),
        ("/faults", {"fault": "late", "events": ["x.y"]}, "unknown type of events 'x.y'"),
        ("/faults", {"fault": "late", "seconds": -1}, "seconds"),
        ("/faults", {"fault": "late", "copies": 2}, "copies: only duplicate has them"),
        ("/faults", {"fault": "down", "seconds": 2}, "seconds: only late and reordered have them"),
        ("/wait", {"status": "done"}, "status"),
        ("/wait", {"timeout": 601}, "timeout"),
    ],
)
def test_a_call_that_makes_no_sense(control: Control, path: str, body: object, message: str) -> None:
    assert message in control("POST", path, body, status=400)["error"]


def test_an_unknown_status_is_refused(control: Control) -> None:
    refused = control("GET", "/deliveries?status=done", status=400)
    assert refused["error"] == "status: there is no 'done'. Known: pending, delivered, failed."


def test_a_type_that_the_api_does_not_have_yet(control: Control, receiver: Receiver) -> None:
    control("POST", "", {"url": receiver.url}, status=201)
    control("POST", "/send", {"type": "new.type", "data": {"id": "x"}}, status=202)
    (received,) = receiver.wait_for(1)
    assert json.loads(received.body)["type"] == "new.type"


def test_an_endpoint_of_the_configuration_is_not_removed() -> None:
    import httpx

    from mockserver.settings.model import Settings, WebhookRow

    row = WebhookRow("http://localhost:9/", "a secret")
    with MockServer(Settings(port=0, whisper_model="none", webhooks=(row,))) as mock:
        (endpoint,) = httpx.get(f"{mock.url}/_mock/webhooks").json()["endpoints"]
        refused = httpx.delete(f"{mock.url}/_mock/webhooks/{endpoint['id']}")
        assert (refused.status_code, "in the server's configuration" in refused.text) == (400, True)
        assert httpx.delete(f"{mock.url}/_mock/webhooks").json()["endpoints"] == [endpoint]


def test_a_wait_ends_when_the_caller_leaves(server: MockServer, api_key: str) -> None:
    import socket
    import threading

    before = threading.active_count()
    host, port = server.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        body = b'{"timeout": 600}'
        connection.sendall(
            f"POST /_mock/webhooks/wait HTTP/1.1\r\nHost: {host}:{port}\r\nAuthorization: Bearer {api_key}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
    assert eventually(lambda: threading.active_count() <= before + 1)
