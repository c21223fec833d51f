"""`/_mock/limits` and `/_mock/costs`: every bucket can be read, filled, drained and changed."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]

_numbers = itertools.count()
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def frozen() -> Iterator[MockServer]:
    """Yield a server whose clock stands still."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=1_800_000_000.0)
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def server(frozen: MockServer) -> MockServer:
    return frozen


@pytest.fixture
def send_all(send: Send) -> Iterator[Send]:
    """Yield a function that makes calls which concern every account; undo them afterwards."""
    yield lambda *arguments: send(*arguments, key=None)
    send("DELETE", "/_mock/limits", key=None)
    send("DELETE", "/_mock/costs", key=None)


@dataclass(frozen=True)
class Caller:
    """An account, and its calls."""

    send: Send
    key: str

    def chat(self, model: str = "gpt-4o-mini") -> RawResponse:
        body = {"model": model, "messages": [{"role": "user", "content": "Hello there."}]}
        return self.send("POST", "/v1/chat/completions", json.dumps(body).encode(), JSON, key=self.key)

    def speak(self) -> RawResponse:
        body = b'{"model": "tts-1", "voice": "alloy", "input": "Hi.", "response_format": "pcm"}'
        return self.send("POST", "/v1/audio/speech", body, JSON, key=self.key)

    def change(self, **changes: object) -> Any:
        response = self.send("PUT", "/_mock/limits", json.dumps(changes).encode(), key=self.key)
        assert response.status == 200, response.body
        return response.json()

    def report(self, query: str = "") -> Any:
        return self.send("GET", f"/_mock/limits{query}", key=self.key).json()

    def gauges(self, query: str = "") -> dict[str, dict[str, int]]:
        """Return the gauges of the account's only limit group, by kind."""
        (account,) = self.report(query)["accounts"]
        (group,) = account["groups"]
        return {gauge["kind"]: gauge for gauge in group["limits"]}


@pytest.fixture
def new_caller(send: Send) -> Callable[[str], Caller]:
    return lambda tier: Caller(send, f"sk-mock-{tier}-caller-{next(_numbers):04}")


@pytest.fixture
def caller(new_caller: Callable[[str], Caller]) -> Caller:
    return new_caller("free")


def test_the_buckets_show_what_the_headers_say(caller: Caller) -> None:
    headers = caller.chat().headers
    gauges = caller.gauges()
    assert gauges["requests_per_minute"] == {
        "kind": "requests_per_minute",
        "limit": 3,
        "used": 1,
        "remaining": 2,
        "reset_ms": 20_000,
        "window_seconds": 60,
        "drained": False,
    }
    assert str(gauges["requests_per_day"]["remaining"]) == headers["x-ratelimit-remaining-requests"] == "199"
    assert gauges["requests_per_day"]["window_seconds"] == 86_400
    assert gauges["tokens_per_minute"]["limit"] == 40_000


def test_an_account_is_described_by_redacted_key_organization_project_and_tier(caller: Caller) -> None:
    headers = caller.chat().headers
    (account,) = caller.report()["accounts"]
    assert account["tier"] == "free"
    assert account["organization"] == headers["openai-organization"]
    assert account["project"] == headers["openai-project"]
    assert account["account"].startswith("sk-mock-***")
    assert caller.key not in json.dumps(account)


def test_a_bucket_nobody_used_is_shown_when_its_model_is_asked_for(caller: Caller) -> None:
    assert caller.report()["accounts"][0]["groups"] == []
    assert caller.gauges("?model=gpt-4o-mini-2024-07-18")["requests_per_minute"]["remaining"] == 3


def test_a_model_that_the_tier_may_not_use_has_no_buckets(caller: Caller) -> None:
    assert caller.gauges("?model=gpt-4o-mini-transcribe") == {}


def test_a_key_sees_and_changes_no_other_account(new_caller: Callable[[str], Caller]) -> None:
    mine, yours = new_caller("free"), new_caller("free")
    yours.chat()
    mine.change(model="gpt-4o-mini", drain=True)
    assert len(mine.report()["accounts"]) == 1
    assert mine.chat().status == 429
    assert yours.chat().status == 200


def test_without_a_key_every_account_is_shown(new_caller: Callable[[str], Caller], send_all: Send) -> None:
    callers = [new_caller("free"), new_caller("tier-1")]
    projects = {each.chat().headers["openai-project"] for each in callers}
    shown = send_all("GET", "/_mock/limits").json()
    assert isinstance(shown, dict)
    assert projects <= {account["project"] for account in shown["accounts"]}
    assert shown["clock"] == {"now": 1_800_000_000.0, "frozen": True, "scale": 1.0}


def test_another_tier_holds_from_the_next_request_on(caller: Caller) -> None:
    caller.change(tier="tier-2")
    assert caller.chat().headers["x-ratelimit-limit-requests"] == "5000"
    assert caller.report()["accounts"][0]["tier"] == "tier-2"


def test_limits_can_be_replaced_and_taken_away(caller: Caller) -> None:
    limits = {"requests_per_minute": 1, "requests_per_day": None, "tokens_per_minute": None}
    caller.change(model="gpt-4o-mini", limits=limits)
    assert set(caller.gauges("?model=gpt-4o-mini")) == {"requests_per_minute", "images_per_minute"}
    assert caller.chat().headers["x-ratelimit-limit-requests"] == "1"
    assert caller.chat().status == 429


def test_a_limit_group_can_be_named_in_place_of_a_model(caller: Caller) -> None:
    caller.change(group="tts-1", limits={"requests_per_minute": 1})
    assert caller.speak().headers["x-ratelimit-limit-requests"] == "200"
    assert caller.speak().status == 429


def test_a_bucket_can_be_set_to_a_level(caller: Caller) -> None:
    caller.change(model="gpt-4o-mini", kind="requests_per_day", remaining=1)
    assert caller.gauges()["requests_per_day"]["used"] == 199
    assert caller.chat().headers["x-ratelimit-remaining-requests"] == "0"
    assert b"requests per day (RPD): Limit 200, Used 200" in caller.chat().body


@pytest.mark.parametrize("tier", ["free", "tier-1", "tier-5"])
def test_a_drain_makes_the_next_request_fail(new_caller: Callable[[str], Caller], tier: str) -> None:
    caller = new_caller(tier)
    caller.change(model="gpt-4o-mini", drain=True)
    left = {kind: gauge["remaining"] for kind, gauge in caller.gauges().items() if kind != "enqueued_tokens"}
    assert set(left.values()) == {0}
    assert caller.chat().status == 429


def test_one_kind_can_be_drained(caller: Caller) -> None:
    caller.change(model="gpt-4o-mini", kind="tokens_per_minute", drain=True)
    refusal = caller.chat()
    assert refusal.status == 429
    assert b"on tokens per min (TPM): Limit 40000, Used 40000" in refusal.body


def test_a_bucket_is_shown_as_drained_until_it_has_refused_a_request(caller: Caller) -> None:
    caller.change(model="gpt-4o-mini", kind="requests_per_minute", drain=True)
    drained = {kind: gauge["drained"] for kind, gauge in caller.gauges().items() if gauge["drained"]}
    assert drained == {"requests_per_minute": True}
    assert caller.chat().status == 429
    assert not caller.gauges()["requests_per_minute"]["drained"]


def test_a_reset_fills_the_buckets_and_forgets_the_changes(caller: Caller) -> None:
    caller.change(model="gpt-4o-mini", tier="tier-3", limits={"requests_per_minute": 7}, drain=True)
    assert caller.send("DELETE", "/_mock/limits", key=caller.key).status == 200
    assert caller.gauges("?model=gpt-4o-mini")["requests_per_minute"]["remaining"] == 3
    assert caller.chat().status == 200


def test_without_a_key_a_drain_meets_each_account_once_also_new_ones(
    new_caller: Callable[[str], Caller], send_all: Send
) -> None:
    old, fresh = new_caller("tier-1"), new_caller("tier-1")
    old.chat()
    send_all(
        "PUT", "/_mock/limits", b'{"model": "gpt-4o-mini", "kind": "requests_per_minute", "drain": true}'
    )
    assert [old.chat().status, fresh.chat().status] == [429, 429]
    for caller in (old, fresh):
        caller.change(model="gpt-4o-mini", kind="requests_per_minute", remaining=1)
        assert caller.chat().status == 200


def test_a_reset_of_one_account_keeps_a_drain_of_all_away_from_it(caller: Caller, send_all: Send) -> None:
    send_all("PUT", "/_mock/limits", b'{"model": "gpt-4o-mini", "drain": true}')
    caller.send("DELETE", "/_mock/limits", key=caller.key)
    assert caller.chat().status == 200


def test_tier_and_limits_of_all_give_way_to_those_of_an_account(
    new_caller: Callable[[str], Caller], send_all: Send
) -> None:
    moved, other = new_caller("free"), new_caller("free")
    moved.change(tier="tier-3")
    body = b'{"tier": "tier-1", "model": "gpt-4o-mini", "limits": {"requests_per_day": 9}}'
    assert send_all("PUT", "/_mock/limits", body).status == 200
    assert other.gauges("?model=gpt-4o-mini")["requests_per_minute"]["limit"] == 500
    assert moved.gauges("?model=gpt-4o-mini")["requests_per_minute"]["limit"] == 5000
    assert moved.chat().headers["x-ratelimit-limit-requests"] == "9"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"tier": "tier-9"}, "tier: Invalid value: 'tier-9'"),
        ({"teir": "free"}, "'teir'"),
        ({"model": "gpt-9", "drain": True}, "model: unknown model 'gpt-9'"),
        ({"group": "gpt-4o-mini-2024-07-18", "drain": True}, "group: unknown group"),
        ({"model": "tts-1", "group": "tts-1", "drain": True}, "'model' and 'group'"),
        ({"model": "tts-1", "limits": {"requests_per_minute": 0}}, "'limits.requests_per_minute'"),
        ({"model": "tts-1", "limits": {"requests_per_week": 1}}, "'limits.requests_per_week'"),
        ({"model": "tts-1", "limits": 3}, "'limits'"),
        ({"model": "tts-1", "kind": "requests", "drain": True}, "kind: Invalid value: 'requests'"),
        (
            {"model": "tts-1", "kind": "tokens_per_minute", "drain": True},
            "kind: tts-1 has no tokens_per_minute",
        ),
        ({"model": "tts-1", "remaining": 1}, "'remaining'"),
        ({"model": "tts-1", "kind": "requests_per_day", "remaining": -1}, "'remaining'"),
        ({"model": "tts-1"}, "Missing 'limits'"),
        ({"drain": True}, "Missing 'model' or 'group'"),
        ("drain", "JSON object"),
    ],
)
def test_nonsense_is_refused_by_its_place(caller: Caller, body: object, place: str) -> None:
    response = caller.send("PUT", "/_mock/limits", json.dumps(body).encode(), key=caller.key)
    error = response.json()
    assert response.status == 400
    assert isinstance(error, dict)
    assert place in error["error"]
    assert caller.gauges("?model=tts-1")["requests_per_minute"]["remaining"] == 3


def test_a_query_and_a_key_must_make_sense(send: Send) -> None:
    assert b"query argument 'modle'" in send("GET", "/_mock/limits?modle=tts-1", key=None).body
    assert b"model: unknown model 'gpt-9'" in send("GET", "/_mock/limits?model=gpt-9", key=None).body
    assert b"Authorization: " in send("GET", "/_mock/limits", key="sk-mock-invalid").body


def test_costs_are_added_up_by_account_and_model(new_caller: Callable[[str], Caller]) -> None:
    caller = new_caller("tier-5")
    costs = [float(caller.chat("gpt-audio-mini").headers.get("x-mock-cost-usd", 0)) for _ in range(2)]
    body = {
        "model": "gpt-audio-mini",
        "modalities": ["text", "audio"],
        "audio": {"voice": "ash", "format": "wav"},
        "messages": [{"role": "user", "content": "Hello there."}],
    }
    for _ in range(2):
        answer = caller.send("POST", "/v1/chat/completions", json.dumps(body).encode(), JSON, key=caller.key)
        costs.append(float(answer.headers["x-mock-cost-usd"]))
    report = caller.send("GET", "/_mock/costs", key=caller.key).json()
    assert isinstance(report, dict)
    (row,) = report["rows"]
    assert (row["model"], row["requests"], row["requests_of_unknown_cost"]) == ("gpt-audio-mini", 2, 0)
    assert row["cost_usd"] == report["total_usd"] == pytest.approx(sum(costs), abs=1e-7)
    assert report["total_usd"] > 0


def test_an_unknown_cost_is_not_zero(caller: Caller) -> None:
    assert caller.chat("gpt-4o-mini").headers["x-mock-cost-usd"] == "unknown"
    report = caller.send("GET", "/_mock/costs", key=caller.key).json()
    assert isinstance(report, dict)
    assert report["rows"][0]["cost_usd"] is report["total_usd"] is None
    assert report["requests_of_unknown_cost"] == 1


def test_an_account_that_asked_nothing_has_cost_nothing(caller: Caller) -> None:
    assert caller.send("GET", "/_mock/costs", key=caller.key).json() == {
        "rows": [],
        "total_usd": 0,
        "requests_of_unknown_cost": 0,
    }


def test_costs_can_be_forgotten(caller: Caller) -> None:
    caller.chat()
    caller.send("DELETE", "/_mock/costs", key=caller.key)
    assert b'"rows": []' in caller.send("GET", "/_mock/costs", key=caller.key).body
