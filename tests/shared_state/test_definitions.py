"""What the control API defines on one server applies on the other at once."""

from __future__ import annotations

import threading
from typing import Any

import openai
import pytest

from mockserver import AudioApi
from mockserver.clock import moment
from tests.shared_state.conftest import Pair
from tests.waiting import eventually


def say(api: AudioApi, text: str = "Hello.", **headers: str) -> Any:
    """Return what a chat answers to a text."""
    asked: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    return api.client.chat.completions.create(**asked, extra_headers=headers).choices[0].message.content


def test_a_stub_of_one_server_answers_on_the_other(pair: Pair) -> None:
    here, there = pair.account()
    stub = here.on_chat(user_text="count").reply(text="One.")
    assert say(there, "Please count.") == "One."
    assert stub.used == 1
    stub.remove()
    assert say(there, "Please count.") != "One."


def test_stubs_get_different_ids_on_both(pair: Pair) -> None:
    here, there = pair.account()
    ids = [api.on_chat(user_text="count").reply(text="One.").id for api in (here, there, here, there)]
    assert len(set(ids)) == 4
    last = [int(each.removeprefix("stub-")) for each in ids]
    assert last == list(range(last[0], last[0] + 4))


def test_the_most_recent_stub_answers_wherever_it_was_added(pair: Pair) -> None:
    here, there = pair.account()
    here.on_chat().reply(text="Old.")
    there.on_chat().reply(text="New.")
    assert [say(api) for api in (here, there)] == ["New.", "New."]


def test_a_replaced_stub_counts_from_the_beginning(pair: Pair) -> None:
    here, there = pair.account()
    document: Any = {"id": "mine", "when": {}, "times": 1, "reply": {"text": "Once."}}
    for api in (here, there):
        api._context.stubs.add(document, api._account_id)
        assert say(there) == "Once."
        assert say(here) != "Once."


def test_a_fault_of_one_server_hits_on_the_other(pair: Pair) -> None:
    here, there = pair.account()
    fault = here.fail_next("server_error", times=1)
    with pytest.raises(openai.InternalServerError):
        say(there)
    assert fault.hits == 1
    assert say(here)


def test_settings_models_tiers_and_limits_apply_on_both(pair: Pair) -> None:
    here, there = pair.account()
    here.configure(strict_stubs=True)
    with pytest.raises(openai.APIStatusError, match="stub"):
        say(there)
    there.configure(strict_stubs=False)
    assert say(here)
    here.add_model("my-model", like="gpt-4o-mini")
    assert there.client.models.retrieve("my-model").id == "my-model"
    there.set_tier("tier-2")
    here.set_limits("gpt-4o-mini", requests_per_minute=7)
    raw = there.client.chat.completions.with_raw_response.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
    )
    assert raw.headers["x-ratelimit-limit-requests"] == "7"
    there.remove_model("my-model")
    with pytest.raises(openai.NotFoundError):
        here.client.models.retrieve("my-model")


def test_both_show_the_same_time_however_the_clock_is_changed(pair: Pair) -> None:
    one, other = pair.one.clock, pair.other.clock
    one.freeze()
    one.set(1_900_000_000.0)
    assert eventually(lambda: other.now() == 1_900_000_000.0)
    other.advance(90.5)
    assert eventually(lambda: one.now() == 1_900_000_090.5)
    one.advance(-60)
    assert eventually(lambda: other.steady() == one.steady() > 1_900_000_090_500_000 - 1)
    other.set_scale(100.0)
    other.freeze(False)
    assert eventually(lambda: one.state()["scale"] == 100.0 and not one.is_frozen)
    at = moment()
    assert one.steady(at) == other.steady(at)


def test_a_clock_that_is_moved_wakes_who_waits_on_the_other_server(pair: Pair) -> None:
    woken = threading.Event()
    pair.other.clock.listen(woken.set)
    pair.one.clock.advance(3600)
    assert woken.wait(60)


def test_a_reset_of_one_account_is_one_for_both_servers(pair: Pair) -> None:
    here, there = pair.account()
    mine, _ = pair.account()
    for api in (here, mine):
        api.on_chat().reply(text="Scripted.")
    here.configure(strict_stubs=True)
    there.reset()
    assert say(here) != "Scripted."
    assert say(there) != "Scripted."
    assert say(mine) == "Scripted."


def test_what_is_switched_off_on_one_server_is_off_on_the_other(pair: Pair) -> None:
    here, there = pair.account()
    stub = here.on_chat(user_text="count").reply(text="One.")
    assert say(there, "Please count.") == "One."
    stub.disable()
    assert say(there, "Please count.") == "You wrote: Please count."
    stub.enable()
    assert say(there, "Please count.") == "One."
    assert stub.used == 2
    fault = here.fail_next("server_error", times=None)
    fault.disable()
    assert say(there, "Please count.") == "One."
    fault.enable()
    with pytest.raises(openai.InternalServerError):
        say(there)
