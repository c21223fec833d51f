"""The end of a batch is announced to webhooks, once."""

from __future__ import annotations

from collections.abc import Iterator

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.batch_work.conftest import Batches, chat_lines
from tests.receiver import Receiver, receiving


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def mock() -> Iterator[MockServer]:
    settings = Settings(
        port=0, whisper_model="none", log_level="error", frozen_time=1_800_000_000, batch_seconds=3600
    )
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def api(mock: MockServer) -> AudioApi:
    return mock.account()


def test_a_batch_is_completed(mock: MockServer, api: AudioApi, receiver: Receiver) -> None:
    endpoint = api.webhooks.add(receiver.url)
    batch = Batches(api.client).create(chat_lines(2))
    mock.clock.advance(3 * 3600)
    (delivery,) = api.webhooks.wait_for()
    event = receiver.wait_for(1)[0].event(endpoint.secret)
    assert (event.type, receiver.events(endpoint.secret)) == ("batch.completed", [batch.id])
    assert event.created_at == delivery.event["created_at"] == 1_800_000_000 + 3 * 3600
    assert api.client.batches.retrieve(batch.id).status == "completed"


def test_a_batch_fails(mock: MockServer, api: AudioApi, receiver: Receiver) -> None:
    api.webhooks.add(receiver.url)
    batch = Batches(api.client).create(b"no json\n")
    mock.clock.advance(3600)
    api.webhooks.wait_for("batch.failed", data={"id": batch.id})
    assert len(receiver.wait_for(1)) == 1


def test_a_batch_is_cancelled(mock: MockServer, api: AudioApi, receiver: Receiver) -> None:
    api.webhooks.add(receiver.url)
    batch = Batches(api.client).create(chat_lines(2))
    api.client.batches.cancel(batch.id)
    api.client.batches.cancel(batch.id)
    mock.clock.advance(3600)
    api.webhooks.wait_for("batch.cancelled", data={"id": batch.id})
    assert len(receiver.wait_for(1)) == 1


def test_a_batch_expires(mock: MockServer, receiver: Receiver) -> None:
    settings = Settings(
        port=0, whisper_model="none", log_level="error", frozen_time=1_800_000_000, batch_seconds=100_000
    )
    with MockServer(settings) as slow:
        api = slow.account()
        api.webhooks.add(receiver.url, events=["batch.expired"])
        batch = Batches(api.client).create(chat_lines(2))
        slow.clock.advance(90_000)
        api.webhooks.wait_for("batch.expired", data={"id": batch.id})
        assert len(receiver.wait_for(1)) == 1


def test_batches_of_other_accounts_are_not_announced(
    mock: MockServer, api: AudioApi, receiver: Receiver
) -> None:
    api.webhooks.add(receiver.url)
    other = mock.account()
    other.webhooks.add(receiver.url, events=["response.*"])
    Batches(other.client).create(b"no json\n")
    batch = Batches(api.client).create(b"no json\n")
    mock.clock.advance(3600)
    api.webhooks.wait_for("batch.failed", data={"id": batch.id})
    assert len(receiver.wait_for(1)) == 1
    assert isinstance(other.client, openai.OpenAI)
    assert other.webhooks.deliveries() == []
