"""`/_mock/snapshot`: the state of a server, to be restored later or elsewhere."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

NOON = 1_800_000_000
MINE, YOURS = "sk-mock-free-mine", "sk-mock-free-yours"

Take = Callable[..., Any]


def started(**settings: Any) -> MockServer:
    return MockServer(Settings(port=0, whisper_model="none", log_level="warning", **settings))


@pytest.fixture
def server() -> Iterator[MockServer]:
    with started(frozen_time=NOON) as running:
        yield running


@pytest.fixture
def other() -> Iterator[MockServer]:
    """Yield a second server, whose clock shows another time."""
    with started(frozen_time=NOON - 86_400) as running:
        yield running


def call(server: MockServer, method: str, path: str, body: object = None, key: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.request(method, f"{server.url}/_mock/{path}", json=body, headers=headers, timeout=30).json()


def take(server: MockServer, key: str | None = None) -> Any:
    return call(server, "GET", "snapshot", key=key)


def put(server: MockServer, snapshot: object, key: str | None = None) -> Any:
    return call(server, "PUT", "snapshot", snapshot, key)


def ask(server: MockServer, key: str = MINE, *, text: str = "Hello.", store: bool = False) -> str | None:
    with openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0) as client:
        completion = client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": text}], store=store
        )
    return completion.choices[0].message.content


def busy(server: MockServer, key: str = MINE) -> None:
    """Leave state in every part of an account: one of two replies given, one of two failures used up."""
    call(server, "POST", "faults", {"error": "server_error", "times": 2}, key)
    replies = [{"text": "One."}, {"text": "Two."}]
    call(server, "POST", "stubs", {"when": {"user_text": "count"}, "replies": replies}, key)
    call(server, "PATCH", "settings", {"speech_language": "de"}, key)
    with pytest.raises(openai.InternalServerError):
        ask(server, key)


def test_what_was_changed_since_is_undone(server: MockServer) -> None:
    busy(server)
    before = take(server)
    with pytest.raises(openai.InternalServerError):
        ask(server)
    assert ask(server, text="Please count.", store=True) == "One."
    call(server, "PUT", "clock", {"advance": 5})
    call(server, "PUT", "limits", {"tier": "tier-1"})
    call(server, "DELETE", "settings", key=MINE)
    assert take(server) != before
    put(server, before)
    assert take(server) == before


def test_a_server_goes_on_where_another_one_was(server: MockServer, other: MockServer) -> None:
    busy(server)
    with pytest.raises(openai.InternalServerError):
        ask(server)
    assert ask(server, text="Please count.") == "One."
    restored = put(other, take(server))
    assert restored["restored"][0] == "clock"
    assert ask(other, text="Please count.") == "Two."
    assert call(other, "GET", "clock")["now"] == NOON
    assert [each["status"] for each in call(other, "GET", "journal", key=MINE)["entries"]] == [
        500,
        500,
        200,
        200,
    ]


def test_buckets_are_as_full_as_they_were_whatever_the_time_is(server: MockServer, other: MockServer) -> None:
    for _ in range(3):
        ask(server)
    put(other, take(server, MINE), MINE)
    assert call(other, "GET", "clock")["now"] == NOON - 86_400
    with pytest.raises(openai.RateLimitError) as refusal:
        ask(other)
    assert refusal.value.response.headers["retry-after"] == "20"
    other.clock.advance(seconds=20)
    assert ask(other)


def test_a_snapshot_of_an_account_tells_and_changes_no_other(server: MockServer) -> None:
    busy(server, YOURS)
    yours = take(server, YOURS)
    mine = take(server, MINE)
    assert mine["scope"] == "account"
    busy(server, MINE)
    put(server, mine, MINE)
    assert take(server, MINE) == mine
    assert take(server, YOURS) == yours


def test_a_snapshot_of_an_account_can_become_anothers(server: MockServer) -> None:
    busy(server, MINE)
    with pytest.raises(openai.InternalServerError):
        ask(server, MINE)
    assert ask(server, MINE, text="Please count.") == "One."
    put(server, take(server, MINE), YOURS)
    assert ask(server, YOURS, text="Please count.") == "Two."
    assert call(server, "GET", "settings", key=YOURS)["changed"] == {"speech_language": "de"}


def test_stored_completions_come_back(server: MockServer, other: MockServer) -> None:
    ask(server, store=True)
    put(other, take(server, MINE), MINE)
    with openai.OpenAI(base_url=other.base_url, api_key=MINE) as client:
        (stored,) = client.chat.completions.list().data
    assert stored.choices[0].message.content == "You wrote: Hello."


@pytest.fixture(scope="module")
def worked() -> Iterator[tuple[MockServer, Any]]:
    """Return a server with some state, and its snapshot."""
    with started(frozen_time=NOON) as running:
        busy(running)
        ask(running, YOURS)
        yield running, take(running)


def spoilt(snapshot: Any, place: str, value: object) -> Any:
    changed = copy.deepcopy(snapshot)
    *path, last = place.split(".")
    target = changed
    for step in path:
        target = target[int(step) if step.isdigit() else step]
    target[last] = value
    return changed


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("version", 2, "version"),
        ("scope", "account", "scope: the snapshot has the scope 'account'. Send it with the API key"),
        ("colour", "red", "Unknown parameter: 'colour'."),
        ("state", {}, "state.clock"),
        ("state.clock.now", "noon", "state.clock.now"),
        ("state.limits.buckets.0.debt", -1, "state.limits.buckets[0].debt"),
        ("state.limits.tiers", [{"account": "x", "tier": "gold"}], "state.limits.tiers[0].tier"),
        ("state.store", [{"account": "x", "kind": "file"}], "state.store[0].values"),
        ("state.settings.changes", {"strictness": "lax"}, "state.settings.changes.strictness"),
        ("state.settings.changes", {"limits": "none"}, "state.settings: "),
        ("state.stubs.stubs.0.document", {}, "state.stubs.stubs[0].document"),
        (
            "state.stubs.stubs.0.document.when",
            {"endpoint": "nowhere"},
            "state.stubs.stubs[0].document: endpoint",
        ),
        (
            "state.stubs.stubs.0.document",
            {"reply": {"file": "/etc/hosts"}},
            "state.stubs.stubs[0].document: ",
        ),
        ("state.stubs", {"counters": {}}, "state.stubs.stubs"),
        ("state.faults.faults.0.document", {"id": "a", "error": "no_such_error"}, "state.faults: "),
        ("state.journal", {"entries": [{"id": 1}]}, "state.journal: "),
    ],
)
def test_a_snapshot_that_makes_no_sense_is_refused_by_its_place_and_changes_nothing(
    worked: tuple[MockServer, Any], place: str, value: object, message: str
) -> None:
    server, before = worked
    answer = put(server, spoilt(before, place, value))
    assert message in answer["error"]
    assert take(server) == before


def test_a_snapshot_of_everything_is_not_one_accounts(worked: tuple[MockServer, Any]) -> None:
    server, everything = worked
    error = put(server, everything, MINE)["error"]
    assert error == "scope: the snapshot has the scope 'everything'. Send it without an API key."


def test_a_snapshot_may_be_larger_than_other_calls(worked: tuple[MockServer, Any]) -> None:
    server, before = worked
    spoken = {"id": "1", "transcript": "x" * (2 << 20), "audio_tokens": 1, "expires_at": 1}
    rooms = [{"account": "x", "kind": "audio", "values": {"1": spoken}}]
    assert "restored" in put(server, spoilt(before, "state.store", rooms))
    assert "restored" in put(server, before)


def test_no_api_key_is_in_a_snapshot(worked: tuple[MockServer, Any]) -> None:
    assert MINE not in json.dumps(worked[1])
