"""Limits, journal, metrics and speech of several real processes, in each store."""

from __future__ import annotations

import itertools
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.commands.workers import Served, served
from tests.conftest import empty_store
from tests.waiting import eventually

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="the processes are found in /proc"),
]

CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}
_numbers = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", "redis"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Yield a server with four workers and a store of each kind, whose clock stands still."""
    folder = tmp_path_factory.mktemp("workers")
    store = empty_store(request, folder)
    arguments = ("--store", store, "--frozen-time", "1800000000", "--whisper-model", "none")
    with served(folder, *arguments, workers=4) as running:
        yield running


class Account:
    """An account of a server. Each call has a connection of its own, so that it may come to any worker."""

    def __init__(self, client: httpx.Client) -> None:
        self.call = client.request

    def chat(self, **more: Any) -> httpx.Response:
        return self.call("POST", "/v1/chat/completions", json=CHAT | more)

    def chat_often(self, number: int) -> Counter[int]:
        """Return how many of so many requests at the same time had which status."""
        with ThreadPoolExecutor(8) as threads:
            return Counter(threads.map(lambda _: self.chat().status_code, range(number)))

    def control(self, method: str, path: str, body: object = None) -> Any:
        """Return the answer of the control API."""
        answer = self.call(method, f"/_mock{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()


@pytest.fixture
def account(server: Served) -> Iterator[Account]:
    """Yield a new account."""
    headers = {"authorization": f"Bearer sk-mock-tier-5-workers-{next(_numbers)}"}
    one_call = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(base_url=server.url, headers=headers, timeout=60, limits=one_call) as client:
        yield Account(client)


def used(account: Account, kind: str) -> int:
    """Return what is used of a limit of the model."""
    (shown,) = account.control("GET", "/limits?model=gpt-4o-mini")["accounts"]
    (group,) = shown["groups"]
    return next(int(each["used"]) for each in group["limits"] if each["kind"] == kind)


def test_processes_admit_exactly_the_limit(account: Account) -> None:
    account.control("PUT", "/limits", {"model": "gpt-4o-mini", "limits": {"requests_per_minute": 100}})
    assert account.chat_often(160) == {200: 100, 429: 60}
    assert used(account, "requests_per_minute") == 100


def test_tokens_are_settled_exactly(account: Account) -> None:
    answers = [account.chat().json()["usage"]["total_tokens"] for _ in range(20)]
    assert used(account, "tokens_per_minute") == sum(answers)
    (costs,) = account.control("GET", "/costs")["rows"]
    assert (costs["requests"], costs["tokens"]) == (20, sum(answers))


def test_each_bucket_takes_a_level_once(account: Account) -> None:
    account.chat()
    level = {"model": "gpt-4o-mini", "kind": "requests_per_minute", "remaining": 10}
    account.control("PUT", "/limits", level)
    assert account.chat_often(30) == {200: 10, 429: 20}


def test_a_kill_loses_no_more_than_what_is_in_flight(server: Served, account: Account) -> None:
    statuses: Counter[int] = Counter()
    ending = threading.Event()

    def go_on() -> None:
        while not ending.is_set():
            try:
                statuses[account.chat().status_code] += 1
            except httpx.HTTPError:
                statuses[0] += 1

    threads = [threading.Thread(target=go_on) for _ in range(4)]
    for each in threads:
        each.start()
    for _ in range(3):
        server.kill_one(signal.SIGKILL)
    assert eventually(lambda: statuses[200] > 50)
    ending.set()
    for each in threads:
        each.join(60)
    broken = statuses[0]
    assert set(statuses) <= {0, 200}
    assert statuses[200] <= used(account, "requests_per_minute") <= statuses[200] + broken
    entries = account.control("GET", "/journal?limit=10000")["entries"]
    answered = [each for each in entries if each["status"] == 200]
    assert statuses[200] <= len(answered) <= statuses[200] + broken
    assert len({each["id"] for each in entries}) == len(entries)


def test_an_answer_is_in_the_journal_of_every_process(account: Account) -> None:
    ids = [account.chat().headers["x-request-id"] for _ in range(12)]
    for _ in range(4):
        entries = account.control("GET", "/journal")["entries"]
        assert [each["id"] for each in entries] == ids
    later = account.control("GET", f"/journal?after={ids[5]}")["entries"]
    assert [each["id"] for each in later] == ids[6:]


def test_a_wait_is_woken_by_a_request_at_another_process(account: Account) -> None:
    with ThreadPoolExecutor(4) as threads:
        wanted = {"when": {"endpoint": "chat"}, "at_least": 3, "timeout": 60}
        waits = [threads.submit(account.control, "POST", "/wait", wanted) for _ in range(4)]
        for _ in range(3):
            account.chat()
        assert [each.result()["count"] for each in waits] == [3] * 4


def metric(account: Account) -> float:
    """Return how many chats were answered."""
    name = 'mockserver_requests_total{endpoint="chat",model="gpt-4o-mini",status="200"} '
    lines = account.call("GET", "/_mock/metrics").text.splitlines()
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def test_every_process_reports_the_metrics_of_all(server: Served, account: Account) -> None:
    before = metric(account)
    for _ in range(12):
        account.chat()
    server.kill_one(signal.SIGKILL)
    assert [metric(account) - before for _ in range(6)] == [12] * 6


def test_speech_of_one_process_is_recognised_by_all(account: Account) -> None:
    text = {
        "model": "tts-1",
        "voice": "alloy",
        "input": "The meeting begins at noon.",
        "response_format": "wav",
    }
    spoken = account.call("POST", "/v1/audio/speech", json=text).content
    for _ in range(6):
        heard = account.call(
            "POST", "/v1/audio/transcriptions", data={"model": "whisper-1"}, files={"file": ("a.wav", spoken)}
        )
        assert heard.json()["text"] == "The meeting begins at noon."
        assert heard.headers["x-mock-answered-by"] == "spoken"
