"""`/_mock/clock`: a test moves the clock by a minute, or a day, instead of waiting."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]

NOON = 1_800_000_000.0


@pytest.fixture
def server() -> Iterator[MockServer]:
    """Yield a server of this test, as the clock concerns all accounts."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=NOON)
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def clock(send: Send) -> Callable[..., dict[str, Any]]:
    """Return a function that moves the clock and returns its state."""

    def move(**changes: object) -> dict[str, Any]:
        response = send("PUT", "/_mock/clock", json.dumps(changes).encode(), key=None)
        assert response.status == 200, response.body
        state: dict[str, Any] = json.loads(response.body)
        return state

    return move


def say_hello(server: MockServer, key: str) -> openai.types.chat.ChatCompletion:
    with openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0) as sdk:
        return sdk.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
        )


def test_a_request_beyond_the_limit_is_admitted_once_the_clock_moved_on(
    server: MockServer, clock: Callable[..., dict[str, Any]]
) -> None:
    key = "sk-mock-free-patient"
    for _ in range(3):
        say_hello(server, key)
    with pytest.raises(openai.RateLimitError) as refusal:
        say_hello(server, key)
    assert refusal.value.response.headers["retry-after"] == "20"
    clock(advance=19.9)
    with pytest.raises(openai.RateLimitError):
        say_hello(server, key)
    clock(advance=0.1)
    assert say_hello(server, key).choices


def test_a_day_passes_in_no_time(
    server: MockServer, send: Send, clock: Callable[..., dict[str, Any]]
) -> None:
    key, path = "sk-mock-free-yesterday", "/_mock/limits?model=gpt-4o-mini"
    spent = b'{"model": "gpt-4o-mini", "kind": "requests_per_day", "remaining": 0}'
    send("PUT", "/_mock/limits", spent, key=key)
    with pytest.raises(openai.RateLimitError, match=r"requests per day \(RPD\): Limit 200"):
        say_hello(server, key)
    assert b'"reset_ms": 86400000' in send("GET", path, key=key).body
    clock(advance=86_400)
    assert b'"remaining": 200' in send("GET", path, key=key).body
    assert say_hello(server, key).created == NOON + 86_400


def test_the_clock_tells_its_state(send: Send) -> None:
    assert send("GET", "/_mock/clock", key=None).json() == {"now": NOON, "frozen": True, "scale": 1.0}


def test_several_changes_apply_in_one_call(clock: Callable[..., dict[str, Any]]) -> None:
    state = clock(advance=5, scale=60, freeze=True, set=1000)
    assert state == {"now": 1005.0, "frozen": True, "scale": 60.0}


def test_an_unfrozen_clock_runs_on_from_where_it_stood(clock: Callable[..., dict[str, Any]]) -> None:
    state = clock(freeze=False, scale=1_000_000)
    assert not state["frozen"]
    assert clock()["now"] > state["now"] >= NOON


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"advance": "20"}, "'advance'"),
        ({"set": -1}, "'set'"),
        ({"freeze": 1}, "'freeze'"),
        ({"scale": 0}, "'scale'"),
        ({"forward": 1}, "'forward'"),
        ([20], "JSON object"),
    ],
)
def test_nonsense_is_refused_by_its_place_and_changes_nothing(send: Send, body: object, place: str) -> None:
    response = send("PUT", "/_mock/clock", json.dumps(body).encode(), key=None)
    error = response.json()
    assert response.status == 400
    assert isinstance(error, dict)
    assert place in error["error"]
    assert send("GET", "/_mock/clock", key=None).json() == {"now": NOON, "frozen": True, "scale": 1.0}


def test_one_bad_change_keeps_the_others_from_happening(send: Send) -> None:
    response = send("PUT", "/_mock/clock", b'{"set": 1000, "scale": -1}', key=None)
    assert response.status == 400
    assert send("GET", "/_mock/clock", key=None).json() == {"now": NOON, "frozen": True, "scale": 1.0}
