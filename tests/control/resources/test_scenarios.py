"""``/_mock/scenarios``, and the header ``x-mock-account``, which names an account in place of its key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from mockserver import MockServer, Settings

KEYS = ("sk-mock-tier-5-scenarios-one", "sk-mock-tier-5-scenarios-two")
ORDER = {
    "when": {"endpoint": "chat"},
    "scenario": {"name": "order", "next": "ordered"},
    "reply": {"say": "Yes?"},
}


@pytest.fixture(scope="module")
def running() -> Iterator[MockServer]:
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as server:
        yield server


@pytest.fixture
def call(running: MockServer) -> Iterator[httpx.Client]:
    """Yield a client of the control API without a key, on a server with a scenario in which one account is."""
    with httpx.Client(base_url=f"{running.url}/_mock", timeout=30) as client:
        client.post("reset")
        client.post("stubs", json=ORDER)
        for key in KEYS:
            running.account(key).set_tier("tier-5")
        running.account(KEYS[0]).client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
        )
        yield client


def project_of(call: httpx.Client, number: int) -> str:
    """Return the project of an account, as the list of limits shows it."""
    headers = {"authorization": f"Bearer {KEYS[number]}"}
    return str(call.get("limits", headers=headers).json()["accounts"][0]["project"])


def test_without_a_key_the_scenarios_of_every_account_are_listed(call: httpx.Client) -> None:
    found = call.get("scenarios").json()["accounts"]
    assert found == [
        {
            "account": "sk-mock-****************-one",
            "organization": found[0]["organization"],
            "project": project_of(call, 0),
            "scenarios": {"order": "ordered"},
        }
    ]
    own = call.get("scenarios", headers={"authorization": f"Bearer {KEYS[0]}"})
    assert own.json() == {"scenarios": {"order": "ordered"}}


def test_the_state_of_an_account_is_set_by_its_name(call: httpx.Client) -> None:
    refused = call.put("scenarios/order", json={"state": "started"})
    assert refused.status_code == 400
    assert "x-mock-account" in refused.json()["error"]
    named = {"x-mock-account": project_of(call, 0)}
    answer = call.put("scenarios/order", json={"state": "paid"}, headers=named)
    assert answer.json() == {"scenarios": {"order": "paid"}}
    assert call.get("scenarios").json()["accounts"][0]["scenarios"] == {"order": "paid"}


def test_a_named_account_has_its_own_stubs(call: httpx.Client) -> None:
    one, two = ({"x-mock-account": project_of(call, number)} for number in (0, 1))
    for headers, text in ((one, "One."), (two, "Two.")):
        call.post("stubs", json={"id": "same", "reply": {"say": text}}, headers=headers)
    call.patch("stubs/same", json={"enabled": False}, headers=two)
    shown: Any = {
        each["project"]: each.get("enabled", True)
        for each in call.get("stubs").json()["stubs"]
        if each["id"] == "same"
    }
    assert shown == {one["x-mock-account"]: True, two["x-mock-account"]: False}


def test_an_unknown_or_ambiguous_name_is_refused(call: httpx.Client) -> None:
    refused = call.get("stubs", headers={"x-mock-account": "proj_none"})
    assert refused.status_code == 400
    assert refused.json()["error"].startswith("x-mock-account: no recent account has the name 'proj_none'.")
    both = {"x-mock-account": "proj_none", "authorization": f"Bearer {KEYS[0]}"}
    assert "Send one of them" in call.get("stubs", headers=both).json()["error"]
