"""Several servers over one Redis behave as one; without Redis they answer 503, and go on when it is back."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.state.shared import open_shared
from mockserver.testing.mock_server import MockServer
from tests.redis_process import RedisProcess, redis_process
from tests.waiting import eventually

pytestmark = pytest.mark.slow

HELLO: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}
LINES = b"".join(
    b'{"custom_id": "%d", "method": "POST", "url": "/v1/chat/completions", '
    b'"body": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}}\n' % number
    for number in range(3)
)


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    """Return a server of the test alone, which keeps everything when it is killed."""
    with redis_process("--appendonly", "yes", "--appendfsync", "always") as server:
        yield server


@pytest.fixture
def servers(redis: RedisProcess) -> Iterator[tuple[MockServer, MockServer]]:
    settings = Settings(port=0, whisper_model="none", store=f"{redis.url('mock')}&timeout=0.5")
    with MockServer(settings) as one, MockServer(settings) as other:
        yield one, other


def client_of(server: MockServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{server.url}/v1", api_key="sk-mock-tier-5-ann", max_retries=0)


def test_what_one_server_stores_the_other_has(servers: tuple[MockServer, MockServer]) -> None:
    one, other = map(client_of, servers)
    uploaded = one.files.create(file=("lines.jsonl", LINES), purpose="batch")
    assert other.files.content(uploaded.id).content == LINES
    batch = one.batches.create(
        input_file_id=uploaded.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    assert eventually(lambda: other.batches.retrieve(batch.id).status == "completed")
    output = other.batches.retrieve(batch.id).output_file_id
    assert output is not None
    assert len(one.files.content(output).text.splitlines()) == 3
    other.files.delete(uploaded.id)
    with pytest.raises(openai.NotFoundError):
        one.files.retrieve(uploaded.id)


def test_while_redis_is_stopped_requests_get_503_and_then_are_answered_as_before(
    redis: RedisProcess, servers: tuple[MockServer, MockServer]
) -> None:
    client = client_of(servers[0])
    client.chat.completions.create(**HELLO)
    redis.stop()
    with ThreadPoolExecutor() as threads:
        refused = list(threads.map(lambda _: status(servers[0]), range(20)))
    assert {code for code, _ in refused} == {503}
    assert {error for _, error in refused} == {"mock_store_unreachable"}
    control = httpx.get(f"{servers[0].url}/_mock/costs", timeout=60)
    assert control.status_code == 503
    assert "The store cannot be reached" in control.json()["error"]
    redis.go_on()
    assert eventually(lambda: status(servers[0])[0] == 200)
    assert client.chat.completions.create(**HELLO).choices


def test_a_killed_redis_that_keeps_its_data_loses_nothing(
    redis: RedisProcess, servers: tuple[MockServer, MockServer]
) -> None:
    client = client_of(servers[0])
    uploaded = client.files.create(file=("a.txt", b"kept"), purpose="user_data")
    redis.kill()
    assert status(servers[0])[0] == 503
    redis.start()
    assert eventually(lambda: status(servers[0])[0] == 200)
    assert eventually(lambda: status(servers[1])[0] == 200)
    other = client_of(servers[1]).with_options(max_retries=5)  # a call that failed late begins a new outage
    assert other.files.retrieve(uploaded.id).bytes == 4


def test_a_redis_that_was_restarted_without_its_data_is_a_new_store() -> None:
    with redis_process() as redis:
        settings = Settings(port=0, whisper_model="none", store=f"{redis.url('mock')}&timeout=0.5")
        with MockServer(settings) as server:
            stub = {"when": {"user_text": "Hello"}, "reply": {"text": "From the stub."}}
            httpx.post(f"{server.url}/_mock/stubs", json=stub).raise_for_status()
            redis.kill()
            redis.start()
            assert eventually(lambda: status(server)[0] == 200)
            answer = client_of(server).chat.completions.create(**HELLO)
            assert answer.choices[0].message.content == "From the stub."


def status(server: MockServer) -> tuple[int, str]:
    """Return the status of a small chat, and the code of its error."""
    answer = httpx.post(
        f"{server.url}/v1/chat/completions",
        headers={"authorization": "Bearer sk-mock-tier-5-ann"},
        json=HELLO,
        timeout=60,
    )
    return answer.status_code, (answer.json().get("error") or {}).get("code", "")


def test_a_reset_removes_only_keys_with_the_prefix(
    redis: RedisProcess, servers: tuple[MockServer, MockServer]
) -> None:
    foreign = open_shared(redis.url("another"))
    foreign.counters.change("uses", "ann", lambda value: value.update(n=1))
    client_of(servers[0]).chat.completions.create(**HELLO)
    httpx.post(f"{servers[1].url}/_mock/reset").raise_for_status()
    assert foreign.counters.get("uses", "ann") == {"n": 1}
    assert httpx.get(f"{servers[0].url}/_mock/journal").json()["entries"] == []
    foreign.close()


def test_all_state_of_an_account_expires(redis: RedisProcess, servers: tuple[MockServer, MockServer]) -> None:
    client_of(servers[0]).chat.completions.create(**HELLO)
    keys = [key for key in redis.ask("KEYS", "mock:*").decode().split("\r\n") if "proj_" in key]
    assert len(keys) >= 3
    assert not [key for key in keys if redis.ask("TTL", key).startswith(b":-")]
