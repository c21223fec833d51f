"""`GET /_mock/work`: batches, speech-to-text jobs and responses in the background."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.waiting import eventually

NOON = 1_800_000_000.0

_numbers = itertools.count()


@pytest.fixture(scope="module")
def server() -> Iterator[MockServer]:
    """Yield a server whose clock stands still; work takes a minute in each of its states."""
    settings = Settings(
        port=0,
        whisper_model="none",
        log_level="warning",
        frozen_time=NOON,
        batch_seconds=60.0,
        background_seconds=60.0,
        stt_queued_seconds=60.0,
        stt_generating_seconds=60.0,
    )
    with MockServer(settings) as running:
        yield running


@dataclass(frozen=True)
class Caller:
    """An account, and its calls."""

    client: httpx.Client

    def respond(self, **members: object) -> str:
        body = {"model": "gpt-4o-mini", "input": "Hello.", "background": True} | members
        return str(self.client.post("/v1/responses", json=body).json()["id"])

    def transcribe(self) -> str:
        audio = (data_folder("fixtures") / "hello.wav").read_bytes()
        form = {"model": "openai/gpt-4o-mini-transcribe"}
        answer = self.client.post("/v1/stt/create", data=form, files={"audio": ("hello.wav", audio)})
        return str(answer.json()["generation_id"])

    def batch(self, lines: int) -> str:
        chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}
        line = {"method": "POST", "url": "/v1/chat/completions", "body": chat}
        rows = [json.dumps(line | {"custom_id": str(number)}) for number in range(lines)]
        file = self.client.post(
            "/v1/files", data={"purpose": "batch"}, files={"file": ("rows.jsonl", "\n".join(rows))}
        ).json()["id"]
        asked = {
            "input_file_id": file,
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        }
        return str(self.client.post("/v1/batches", json=asked).json()["id"])

    def work(self, **query: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.client.get("/_mock/work", params=query).json()
        return shown

    def one(self) -> dict[str, Any]:
        (only,) = self.work()["work"]
        found: dict[str, Any] = only
        return found

    def becomes(self, status: str) -> dict[str, Any]:
        """Return the only work of the account once it has a status."""
        assert eventually(lambda: self.one()["status"] == status), self.one()
        return self.one()


@pytest.fixture
def caller(server: MockServer) -> Iterator[Caller]:
    """Yield an account of its own, at noon; end its work."""
    key = {"authorization": f"Bearer sk-mock-tier-5-work-{next(_numbers)}"}
    with httpx.Client(base_url=server.url, headers=key) as client:
        yield Caller(client)
        client.post("/_mock/reset")
    httpx.put(f"{server.url}/_mock/clock", json={"set": NOON, "freeze": True, "scale": 1})


def advance(server: MockServer, seconds: float) -> None:
    httpx.put(f"{server.url}/_mock/clock", json={"advance": seconds})


def test_an_account_without_work_has_nothing_to_read_again(caller: Caller) -> None:
    shown = caller.work()
    assert shown == {
        "work": [],
        "total": 0,
        "unfinished": 0,
        "read_again_ms": None,
        "clock": {"now": NOON, "frozen": True, "scale": 1.0},
    }


def test_a_response_moves_from_state_to_state_by_the_clock(server: MockServer, caller: Caller) -> None:
    response_id = caller.respond()
    shown = caller.one()
    assert shown["account"].startswith("sk-mock-*")
    assert shown["organization"].startswith("org-")
    del shown["account"], shown["organization"], shown["project"]
    assert shown == {
        "kind": "response",
        "id": response_id,
        "endpoint": "v1/responses",
        "model": "gpt-4o-mini-2024-07-18",
        "status": "queued",
        "is_finished": False,
        "created_at": NOON,
        "ended_at": None,
        "next_change_at": NOON + 60,
        "expected_end_at": NOON + 120,
        "counts": None,
    }
    advance(server, 60)
    assert eventually(lambda: caller.one()["next_change_at"] == NOON + 120)
    assert caller.one()["status"] == "in_progress"
    advance(server, 60)
    ended = caller.becomes("completed")
    assert (ended["is_finished"], ended["ended_at"]) == (True, NOON + 120)
    assert (ended["next_change_at"], ended["expected_end_at"]) == (None, None)


def test_a_speech_to_text_job_shows_its_states(server: MockServer, caller: Caller) -> None:
    job = caller.transcribe()
    queued = caller.one()
    assert (queued["kind"], queued["id"], queued["status"]) == ("stt_job", job, "queued")
    assert (queued["endpoint"], queued["model"]) == ("v1/stt/create", "openai/gpt-4o-mini-transcribe")
    assert (queued["next_change_at"], queued["expected_end_at"]) == (NOON + 60, NOON + 120)
    advance(server, 60)
    assert (caller.one()["status"], caller.one()["next_change_at"]) == ("generating", NOON + 120)
    advance(server, 60)
    assert (caller.one()["status"], caller.one()["is_finished"]) == ("completed", True)


def test_a_batch_shows_how_many_lines_are_answered(server: MockServer, caller: Caller) -> None:
    batch = caller.batch(4)
    new = caller.one()
    assert (new["kind"], new["id"], new["status"]) == ("batch", batch, "validating")
    assert (new["model"], new["counts"]["total"], new["expected_end_at"]) == (None, 0, NOON + 180)
    advance(server, 60)
    begun = caller.becomes("in_progress")
    assert begun["counts"] == {"total": 4, "completed": 0, "failed": 0}
    assert (begun["next_change_at"], begun["expected_end_at"]) == (NOON + 75, NOON + 180)
    advance(server, 30)
    assert eventually(lambda: caller.one()["counts"]["completed"] == 2), caller.one()
    advance(server, 90)
    ended = caller.becomes("completed")
    assert (ended["ended_at"], ended["counts"]) == (NOON + 180, {"total": 4, "completed": 4, "failed": 0})


def test_a_batch_that_is_cancelled_ends_after_one_state(caller: Caller) -> None:
    batch = caller.batch(1)
    caller.client.post(f"/v1/batches/{batch}/cancel")
    assert (caller.one()["status"], caller.one()["expected_end_at"]) == ("cancelling", NOON + 60)


def test_the_real_time_until_the_next_change_follows_the_clock(server: MockServer, caller: Caller) -> None:
    caller.respond()
    assert caller.work()["read_again_ms"] is None  # on a clock that stands still nothing changes
    httpx.put(f"{server.url}/_mock/clock", json={"freeze": False, "scale": 0.1})
    assert 500_000 < caller.work()["read_again_ms"] <= 600_000
    httpx.put(f"{server.url}/_mock/clock", json={"scale": 1})
    assert 50_000 < caller.work()["read_again_ms"] <= 60_000


def test_only_responses_in_the_background_are_work(caller: Caller) -> None:
    caller.respond(background=False)
    assert caller.work()["total"] == 0


def test_without_a_key_it_is_the_work_of_every_account(server: MockServer, caller: Caller) -> None:
    mine = [caller.respond(), caller.transcribe()]
    with httpx.Client(base_url=server.url, headers={"authorization": "Bearer sk-mock-tier-5-other"}) as other:
        Caller(other).respond()
        assert Caller(other).work()["total"] == 1
    assert {each["id"] for each in caller.work()["work"]} == set(mine)
    everything = httpx.get(f"{server.url}/_mock/work").json()
    assert everything["total"] == 3
    assert len({each["account"] for each in everything["work"]}) == 2


def test_the_newest_comes_first_and_the_rest_is_counted(server: MockServer, caller: Caller) -> None:
    ids = []
    for _ in range(3):
        ids.append(caller.respond())
        advance(server, 1)
    shown = caller.work(limit="2")
    assert [each["id"] for each in shown["work"]] == [ids[2], ids[1]]
    assert (shown["total"], shown["unfinished"]) == (3, 3)


@pytest.mark.parametrize("limit", ["0", "-1", "10001", "many", "1.5", "٣"])
def test_a_wrong_limit_is_refused(caller: Caller, limit: str) -> None:
    answer = caller.client.get("/_mock/work", params={"limit": limit})
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("limit: must be a whole number from 1 to 10000, got ")
