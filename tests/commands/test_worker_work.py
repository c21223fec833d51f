"""The workers of a server share its state and its background work: batches, responses, webhooks."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from benchmarks.worker_kills import worker_kills
from tests.commands.workers import Served, served
from tests.receiver import receiving
from tests.waiting import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the processes are found in /proc"),
]

PATIENCE = 60.0  # seconds
KEY = "sk-mock-tier-5-workers"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as each:
        yield each


@pytest.fixture
def clients(server: Served) -> Iterator[list[openai.OpenAI]]:
    """Yield clients with connections of their own, which are spread over the workers."""
    found = [openai.OpenAI(base_url=f"{server.url}/v1", api_key=KEY) for _ in range(4)]
    for client in found:
        client.models.list()
    yield found
    for client in found:
        client.close()


def batch_of(client: openai.OpenAI, lines: int) -> openai.types.Batch:
    """Return a new batch of chats."""
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}
    line = {"method": "POST", "url": "/v1/chat/completions", "body": chat}
    content = "\n".join(json.dumps({"custom_id": str(number), **line}) for number in range(lines))
    file = client.files.create(file=("batch.jsonl", content.encode()), purpose="batch")
    return client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )


def test_a_batch_is_continued_by_another_worker_and_no_line_is_answered_twice(
    server: Served, clients: list[openai.OpenAI]
) -> None:
    batch = batch_of(clients[0], 800)
    for _ in range(4):
        server.kill_one(signal.SIGKILL)
    ended = eventually(
        lambda: (found := clients[1].batches.retrieve(batch.id)).status == "completed" and found
    )
    assert ended
    assert ended.output_file_id is not None
    lines = clients[2].files.content(ended.output_file_id).text.splitlines()
    assert [json.loads(line)["custom_id"] for line in lines] == [str(number) for number in range(800)]


def test_a_batch_is_cancelled_at_any_worker(clients: list[openai.OpenAI]) -> None:
    batch = batch_of(clients[0], 5_000)
    assert {client.batches.retrieve(batch.id).id for client in clients} == {batch.id}
    clients[3].batches.cancel(batch.id)
    for client in clients:
        assert eventually(lambda client=client: client.batches.retrieve(batch.id).status == "cancelled")  # type: ignore[misc]


def test_a_response_in_the_background_is_the_same_at_every_worker(clients: list[openai.OpenAI]) -> None:
    asked: dict[str, Any] = {"model": "gpt-4o-mini", "input": "Hello.", "background": True}
    slow = {"x-mock-background-seconds": "3600"}
    waiting = clients[0].responses.create(**asked, extra_headers=slow)
    for client in clients:
        assert client.responses.retrieve(waiting.id).status == "queued"
    assert clients[1].responses.cancel(waiting.id).status == "cancelled"
    assert {client.responses.retrieve(waiting.id).status for client in clients} == {"cancelled"}
    quick = clients[2].responses.create(**asked)
    for client in clients:
        assert eventually(lambda client=client: client.responses.retrieve(quick.id).status == "completed")  # type: ignore[misc]


def test_no_two_responses_are_made_in_a_conversation_whichever_worker_is_asked(
    clients: list[openai.OpenAI],
) -> None:
    conversation = clients[0].conversations.create().id
    asked: dict[str, Any] = {"model": "gpt-4o-mini", "input": "Hello.", "conversation": conversation}
    slow = {"x-mock-background-seconds": "3600"}
    waiting = clients[0].responses.create(**asked, background=True, extra_headers=slow)
    for client in clients:
        with pytest.raises(openai.APIStatusError, match="currently operating on this conversation"):
            client.with_options(max_retries=0).responses.create(**asked)
    clients[1].responses.cancel(waiting.id)
    for client in clients:
        assert eventually(lambda client=client: answered(client, asked))  # type: ignore[misc]


def answered(client: openai.OpenAI, asked: dict[str, Any]) -> bool:
    """Return whether a response is made."""
    try:
        return bool(client.with_options(max_retries=0).responses.create(**asked).id)
    except openai.APIStatusError:
        return False


def test_a_webhook_is_delivered_whichever_workers_die(server: Served, clients: list[openai.OpenAI]) -> None:
    with receiving() as receiver:
        endpoint = {"url": receiver.url, "events": ["batch.completed"]}
        httpx.post(f"{server.url}/_mock/webhooks", json=endpoint, timeout=PATIENCE).raise_for_status()
        batches = {batch_of(client, 100).id for client in clients}
        for _ in range(3):
            server.kill_one(signal.SIGKILL)
        assert eventually(
            lambda: {json.loads(each.body)["data"]["id"] for each in receiver.received} == batches
        )
        ids: dict[str, set[str]] = {}
        for each in receiver.received:
            ids.setdefault(json.loads(each.body)["data"]["id"], set()).add(each.header("webhook-id"))
    assert all(len(each) == 1 for each in ids.values())


def test_client_secrets_are_known_to_every_worker(server: Served, clients: list[openai.OpenAI]) -> None:
    for client in clients:
        secret = client.realtime.client_secrets.create(session={"type": "realtime", "model": "gpt-realtime"})
        for _ in range(4):
            asked = httpx.post(
                f"{server.url}/v1/realtime/calls/rtc_none/hangup",
                headers={"Authorization": f"Bearer {secret.value}"},
                timeout=PATIENCE,
            )
            assert asked.status_code == 404


def test_what_was_acknowledged_outlives_workers_that_are_killed() -> None:
    found = worker_kills(3, callers=2, lines=200)
    assert found["kills"] == 3
    assert found["files"] + found["batches"] > 0
    wrong = ("lost", "deleted and there again", "half", "twice or out of order")
    assert {name: found[name] for name in wrong} == dict.fromkeys(wrong, 0)
