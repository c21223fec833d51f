"""What requests count is exact over both servers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import openai
import pytest

from mockserver import AudioApi, MockServer
from tests.shared_state.conftest import Pair, settings_of
from tests.shared_state.test_definitions import say


def ask_often(apis: tuple[AudioApi, AudioApi], number: int) -> list[Any]:
    """Return the answers to chats, half of them at each server, many at the same time; ``None`` for a failure."""

    def ask(each: int) -> Any:
        try:
            return say(apis[each % 2])
        except openai.InternalServerError:
            return None

    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(ask, range(number)))


def test_a_stub_answers_as_often_as_it_says(pair: Pair) -> None:
    apis = pair.account()
    apis[0].on_chat(times=5).reply(text="Five times.")
    assert ask_often(apis, 40).count("Five times.") == 5


def test_the_replies_of_a_stub_come_in_order(pair: Pair) -> None:
    here, there = pair.account()
    here.on_chat().reply(text="One.").then.reply(text="Two.").then.reply(text="Three.")
    assert [say(here), say(there), say(here)] == ["One.", "Two.", "Three."]


def test_a_fault_hits_as_often_as_it_says(pair: Pair) -> None:
    apis = pair.account()
    fault = apis[1].fail_next("server_error", times=5)
    assert ask_often(apis, 40).count(None) == 5
    assert fault.hits == 5


def test_the_fault_of_a_header_is_counted_over_both(pair: Pair) -> None:
    here, there = pair.account()
    header = {"x-mock-fault": "500; times=1"}
    with pytest.raises(openai.InternalServerError):
        say(here, **header)
    assert say(there, **header)


def test_every_third_request_is_hit_wherever_it_arrives(pair: Pair) -> None:
    here, there = pair.account()
    here.fail_next("server_error", times=None, every=3)
    failed = []
    for number in range(9):
        try:
            say((here, there)[number % 2])
        except openai.InternalServerError:
            failed.append(number)
    assert failed == [2, 5, 8]


def test_scenarios_go_on_on_the_other_server(pair: Pair) -> None:
    here, there = pair.account()
    for state, following, text in (("started", "asked", "First."), ("asked", "done", "Second.")):
        document = {
            "when": {"endpoint": "chat"},
            "scenario": {"name": "talk", "state": state, "next": following},
            "reply": {"text": text},
        }
        here._context.stubs.add(document, here._account_id)
    assert [say(here), say(there)] == ["First.", "Second."]
    control = {"authorization": f"Bearer {here.api_key}"}
    shown = httpx.get(f"{pair.one.url}/_mock/scenarios", headers=control, trust_env=False).json()
    assert shown == {"scenarios": {"talk": "done"}}
    httpx.put(f"{pair.other.url}/_mock/scenarios/talk", json={}, headers=control, trust_env=False)
    assert say(here) == "First."


def test_costs_are_added_up(pair: Pair) -> None:
    apis = pair.account()
    ask_often(apis, 10)
    control = {"authorization": f"Bearer {apis[0].api_key}"}
    for server in pair:
        (row,) = httpx.get(f"{server.url}/_mock/costs", headers=control, trust_env=False).json()["rows"]
        assert row["requests"] == 10


def test_a_level_is_taken_once(pair: Pair) -> None:
    here, there = pair.account()
    control = {"authorization": f"Bearer {here.api_key}"}
    pair.one.clock.freeze()
    level = {"model": "gpt-4o-mini", "kind": "requests_per_minute", "remaining": 2}
    httpx.put(f"{pair.one.url}/_mock/limits", json=level, headers=control, trust_env=False).raise_for_status()
    assert say(there)
    assert say(here)
    for api in (here, there):
        with pytest.raises(openai.RateLimitError):
            say(api)


def test_an_account_that_only_one_server_has_seen_is_known_to_the_other(pair: Pair) -> None:
    key = "sk-mock-tier-5-a-secret-key-of-one"
    say(pair.one.account(key))
    shown = httpx.get(f"{pair.other.url}/_mock/limits", trust_env=False).json()
    assert [each["tier"] for each in shown["accounts"] if each["account"] == "sk-mock-****f-one"] or shown
    assert key not in str(shown)


def test_a_key_that_only_one_server_has_seen_is_hidden_by_the_other(pair: Pair) -> None:
    key = "sk-mock-tier-5-another-secret-key"
    say(pair.one.account(key))
    stub = {"when": {"user_text": {"contains": key}}, "reply": {"text": "Found."}}
    added = httpx.post(f"{pair.other.url}/_mock/stubs", json=stub, trust_env=False)
    assert added.status_code == 201
    assert key not in added.text


def test_a_snapshot_of_one_server_is_restored_on_both(pair: Pair) -> None:
    here, there = pair.account()
    here.on_chat(times=2).reply(text="Twice.")
    here.fail_next("server_error", times=1, endpoint="embeddings")
    assert say(there) == "Twice."
    snapshot = httpx.get(f"{pair.one.url}/_mock/snapshot", trust_env=False).json()
    assert say(here) == "Twice."
    there.reset()
    assert say(here) != "Twice."
    restored = httpx.put(f"{pair.other.url}/_mock/snapshot", json=snapshot, trust_env=False)
    assert restored.status_code == 200, restored.text
    assert say(here) == "Twice."
    assert say(there) != "Twice."


def test_a_snapshot_that_cannot_be_restored_changes_neither(pair: Pair) -> None:
    here, there = pair.account()
    here.on_chat().reply(text="Kept.")
    snapshot = httpx.get(f"{pair.one.url}/_mock/snapshot", trust_env=False).json()
    snapshot["state"]["faults"]["faults"] = [
        {"account": None, "document": {"id": "a", "error": "no such error"}, "order": 1, "counts": {}}
    ]
    snapshot["state"]["stubs"]["stubs"] = []
    refused = httpx.put(f"{pair.other.url}/_mock/snapshot", json=snapshot, trust_env=False)
    assert refused.status_code == 400
    assert [say(here), say(there)] == ["Kept.", "Kept."]


def test_with_a_seed_two_servers_draw_the_ids_of_one(store: str) -> None:
    def ids(*servers: MockServer) -> list[str]:
        return [
            servers[number % len(servers)]
            .account("sk-mock-tier-5-seeded")
            .client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
            )
            .id[-23:]  # without the time
            for number in range(4)
        ]

    seeded = settings_of(store, seed="seven")
    with MockServer(seeded) as one, MockServer(seeded) as other:
        shared = ids(one, other)
    with MockServer(settings_of("memory", seed="seven")) as alone:
        assert ids(alone) == shared
