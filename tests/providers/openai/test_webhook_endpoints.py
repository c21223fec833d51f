"""`/v1/webhook_endpoints`, through the official SDK."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


def create(client: openai.OpenAI, url: str = "https://example.com/hook", **changes: Any) -> Any:
    asked: dict[str, Any] = {"event_types": ["batch.completed"], "name": "x", "url": url}
    return client.webhooks.create(**(asked | changes))


def test_an_endpoint_is_created_changed_listed_and_deleted(client: openai.OpenAI, schemas: Schemas) -> None:
    created = create(client)
    assert schemas.violations("openai/webhook_endpoint_with_secret.response", created.to_dict()) == []
    assert created.signing_secret.startswith("whsec_")
    assert created.signing_secret_hint == f"whsec_...{created.signing_secret[-4:]}"
    shown = client.webhooks.retrieve(created.id).to_dict()
    assert shown == {name: value for name, value in created.to_dict().items() if name != "signing_secret"}
    changed = client.webhooks.update(created.id, name="y", event_types=["response.failed"])
    assert (changed.name, changed.event_types, changed.url) == ("y", ["response.failed"], created.url)
    assert client.webhooks.list().data == [changed]
    deleted = client.webhooks.delete(created.id).to_dict()
    assert deleted == {"id": created.id, "object": "webhook_endpoint.deleted", "deleted": True}
    assert schemas.violations("openai/webhook_endpoint_deleted.response", deleted) == []
    assert client.webhooks.list().data == []


def test_pages_begin_with_the_latest(client: openai.OpenAI, schemas: Schemas) -> None:
    ids = [create(client).id for _ in range(5)][::-1]
    page = client.webhooks.list(limit=2)
    assert schemas.violations("openai/webhook_endpoint_list.response", page.to_dict()) == []
    assert ([each.id for each in page.data], page.has_more) == (ids[:2], True)
    assert [each.id for each in page] == ids
    assert [each.id for each in client.webhooks.list(after=ids[3])] == ids[4:]


def test_events_are_delivered_and_signed_with_the_secret(
    server: MockServer, client: openai.OpenAI, api_key: str, receiver: Receiver
) -> None:
    created = create(client, receiver.url)
    server.account(api_key).send_webhook("batch.completed", {"id": "batch_1"})
    receiver.wait_for(1)
    assert receiver.events(created.signing_secret) == ["batch_1"]


@pytest.mark.parametrize("keep", [True, False, None])
def test_a_new_secret(
    server: MockServer, client: openai.OpenAI, api_key: str, receiver: Receiver, keep: bool | None
) -> None:
    created = create(client, receiver.url)
    options: dict[str, Any] = {} if keep is None else {"keep_old_secret_active_for_24_hours": keep}
    rotated = client.webhooks.rotate_secret(created.id, **options)
    assert rotated.signing_secret != created.signing_secret
    server.account(api_key).send_webhook("batch.completed", {"id": "batch_1"})
    receiver.wait_for(1)
    assert receiver.events(rotated.signing_secret) == ["batch_1"]
    if keep:
        assert receiver.events(created.signing_secret) == ["batch_1"]
    else:
        with pytest.raises(openai.InvalidWebhookSignatureError):
            receiver.events(created.signing_secret)


def test_a_test_delivers_a_sample_at_once_and_returns_the_status(
    client: openai.OpenAI, receiver: Receiver, schemas: Schemas
) -> None:
    receiver.statuses = [503]
    created = create(client, receiver.url)
    result = client.webhooks.test(created.id, event_type="response.failed")
    assert (result.success, result.status_code, result.webhook_endpoint_id) == (True, 503, created.id)
    assert schemas.violations("openai/webhook_endpoint_test.response", result.to_dict()) == []
    (received,) = receiver.received
    assert received.event(created.signing_secret).type == "response.failed"


def test_a_test_that_does_not_arrive_is_refused(client: openai.OpenAI) -> None:
    with receiving() as gone:
        url = gone.url
    with pytest.raises(openai.BadRequestError, match=r"could not be delivered: .* cannot be reached"):
        client.webhooks.test(create(client, url).id, event_type="batch.completed")
    with pytest.raises(openai.BadRequestError, match=r"webhook_hosts does not allow example\.com:443"):
        client.webhooks.test(create(client).id, event_type="batch.completed")


def test_the_types_of_events(client: openai.OpenAI, schemas: Schemas) -> None:
    listed = client.webhooks.event_types.list()
    assert schemas.violations("openai/webhook_event_types.response", listed.to_dict()) == []
    assert create(client, event_types=listed.data).event_types == listed.data


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"url": "example.com"}, "url"),
        ({"url": "https://"}, "url"),
        ({"url": "ftp://example.com/"}, "url"),
        ({"url": 7}, "url"),
        ({"name": None}, "name"),
        ({"event_types": ["batch.done"]}, "event_types[0]"),
        ({"event_types": ["live.call.incoming"]}, "event_types[0]"),
        ({"event_types": "batch.completed"}, "event_types"),
    ],
)
def test_a_request_that_makes_no_sense(client: openai.OpenAI, changes: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        create(client, **changes)
    assert refused.value.param == param
    if set(changes) == {"url"}:
        with pytest.raises(openai.BadRequestError):
            client.webhooks.update(create(client).id, **changes)


@pytest.mark.parametrize("method", ["retrieve", "update", "delete", "rotate_secret"])
def test_an_endpoint_of_another_account_is_unknown(
    server: MockServer, client: openai.OpenAI, method: str
) -> None:
    created = create(client)
    stranger = server.account().client
    with pytest.raises(openai.NotFoundError, match="No webhook endpoint found with id"):
        getattr(stranger.webhooks, method)(created.id)
    with pytest.raises(openai.NotFoundError):
        stranger.webhooks.test(created.id, event_type="batch.completed")
    assert stranger.webhooks.list().data == []


def test_the_schema_alone_accepts_any_id_and_url(client: openai.OpenAI, schemas: Schemas) -> None:
    lenient = client.with_options(default_headers={"x-mock-strictness": "schema"}).webhooks
    assert (
        create(client.with_options(default_headers={"x-mock-strictness": "schema"}), "https://").url
        == "https://"
    )
    for answer in (lenient.retrieve("we_x"), lenient.update("we_x")):
        assert schemas.violations("openai/webhook_endpoint.response", answer.to_dict()) == []
    assert lenient.rotate_secret("we_x").signing_secret.startswith("whsec_")
    assert lenient.test("we_x", event_type="batch.completed").status_code == 200
    assert lenient.delete("we_x").deleted


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": 7, "name": None, "event_types": "x"},
        {"url": [], "event_types": [1, None]},
        {"event_types": []},
    ],
)
def test_without_strictness_anything_is_accepted(
    send: Callable[..., RawResponse], body: object, api_key: str
) -> None:
    headers = {"x-mock-strictness": "off", "content-type": "application/json"}
    sent = json.dumps(body).encode()
    created = send("POST", "/v1/webhook_endpoints", sent, headers, key=api_key)
    assert created.status == 200, created.body
    path = f"/v1/webhook_endpoints/{created.json()['id']}"  # type: ignore[index]
    for suffix, status in (("", 200), ("/rotate_secret", 200), ("/test", 400)):
        answer = send("POST", path + suffix, sent, headers, key=api_key)
        assert answer.status == status, answer.body


def test_another_host_is_accepted_and_never_called(
    server: MockServer, client: openai.OpenAI, api_key: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        create(client, "https://foreign.example/hook")
        create(client, "https://foreign.example/hook")
        create(client, "https://foreign.example/hook?token=f00dfeed-very-hidden-f00dfeed")
    assert "very-hidden" not in caplog.text
    assert (
        caplog.text.count(
            "https://foreign.example/hook is not called: the setting webhook_hosts does not allow foreign.example:443"
        )
        == 1
    )
    api = server.account(api_key)
    api.send_webhook("batch.completed")
    failed = api.webhooks.wait_for(status="failed", at_least=3)
    assert [each.attempts for each in failed] == [[], [], []]
    assert "webhook_hosts" in str(failed[0].reason)


def test_callers_of_a_server_that_is_open_to_others_cannot_name_this_machine(receiver: Receiver) -> None:
    settings = Settings(port=0, host="0.0.0.0", whisper_model="none", log_level="error")
    with MockServer(settings) as mock:
        api = mock.account()
        url = api.url.replace("0.0.0.0", "127.0.0.1")
        with openai.OpenAI(base_url=f"{url}/v1", api_key=api.api_key, max_retries=0) as client:
            create(client, receiver.url)
        api.send_webhook("batch.completed")
        api.webhooks.wait_for(status="failed")
        assert receiver.received == []
        trusted = api.webhooks.add(receiver.url)
        api.send_webhook("batch.completed")
        api.webhooks.wait_for(endpoint=trusted)


@pytest.mark.parametrize(
    ("origin", "arrives"),
    [("https://foreign.example", False), ("null", False), ("http://localhost:3000", True)],
)
def test_a_page_of_another_site_cannot_name_this_machine(
    server: MockServer, client: openai.OpenAI, api_key: str, receiver: Receiver, origin: str, arrives: bool
) -> None:
    page = client.with_options(default_headers={"origin": origin})
    created = create(page, receiver.url)
    server.account(api_key).send_webhook("batch.completed")
    server.account(api_key).webhooks.wait_for(status="delivered" if arrives else "failed")
    assert len(receiver.received) == arrives
    if not arrives:
        create(client, receiver.url)
        client.webhooks.update(created.id, url=receiver.url)
        assert client.webhooks.test(created.id, event_type="batch.failed").status_code == 200
        page.webhooks.update(created.id, url=receiver.url)
        with pytest.raises(openai.BadRequestError):
            client.webhooks.test(created.id, event_type="batch.failed")


def test_the_journal_hides_the_secret(
    server: MockServer, client: openai.OpenAI, api_key: str, send: Callable[..., Any]
) -> None:
    created = create(client)
    assert created.signing_secret not in str(server.account(api_key).journal)


def test_faults_and_stubs_apply(server: MockServer, client: openai.OpenAI, api_key: str) -> None:
    api = server.account(api_key)
    api.fail_next("server_error", endpoint="create_webhook_endpoint")
    with pytest.raises(openai.InternalServerError):
        create(client)
    api.on("list_webhook_event_types").reply_json({"object": "list", "data": ["new.event"]})
    assert client.webhooks.event_types.list().data == ["new.event"]
