"""A store that is away: clear errors, and afterwards everything goes on."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import openai
import pytest

from mockserver import MockServer
from tests.redis_process import RedisProcess, redis_process
from tests.shared_state.conftest import Pair, settings_of
from tests.shared_state.test_definitions import say
from tests.waiting import eventually


@pytest.fixture
def redis() -> Iterator[RedisProcess]:
    with redis_process() as server:
        yield server


@pytest.fixture
def pair(redis: RedisProcess) -> Iterator[Pair]:
    settings = settings_of(redis.url())
    with MockServer(settings) as one, MockServer(settings) as other:
        yield Pair(one, other)


def test_without_the_store_answers_are_503_and_later_the_definitions_are_as_before(
    pair: Pair, redis: RedisProcess
) -> None:
    here, there = pair.account()
    here.on_chat().reply(text="Scripted.")
    assert say(there) == "Scripted."
    redis.kill()
    with pytest.raises(openai.APIStatusError) as refused:
        say(here)
    assert (refused.value.status_code, refused.value.code) == (503, "mock_store_unreachable")
    stub = {"when": {}, "reply": {"text": "Not added."}}
    added = httpx.post(f"{pair.one.url}/_mock/stubs", json=stub, trust_env=False)
    assert added.status_code == 503
    assert added.json()["error"].startswith("The store cannot be reached")
    redis.start()
    assert eventually(lambda: _answer(pair, here.api_key) == ["Scripted.", "Scripted."])


def _answer(pair: Pair, key: str) -> list[str] | None:
    try:
        return [say(server.account(key)) for server in pair]
    except openai.APIStatusError:
        return None
