"""What requests would have cost, by the published prices; what is not known is not zero."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mockserver.catalog.records import ModelCard
from mockserver.catalog.tables import Catalog
from mockserver.limits.costs import Ledger, cost_usd

CATALOG = Catalog()


def model(name: str) -> ModelCard:
    card = CATALOG.model(name)
    assert card is not None
    assert card.prices is not None
    return card


def transcript(text: int, audio: int, output: int) -> dict[str, Any]:
    details = {"text_tokens": text, "audio_tokens": audio}
    total = text + audio + output
    return {
        "type": "tokens",
        "total_tokens": total,
        "input_tokens": text + audio,
        "input_token_details": details,
        "output_tokens": output,
    }


def test_a_transcript_costs_by_its_tokens() -> None:
    card = model("gpt-4o-mini-transcribe")
    assert card.prices is not None
    expected = (
        5 * (card.prices.text_input or 0)
        + 1000 * (card.prices.audio_input or 0)
        + 200 * (card.prices.text_output or 0)
    )
    cost = cost_usd(card, transcript(5, 1000, 200))
    assert cost == pytest.approx(expected / 1_000_000)
    assert cost


def test_a_price_that_is_not_known_makes_the_cost_unknown_only_where_it_is_needed() -> None:
    card = model("gpt-4o-mini-transcribe")
    assert card.prices is not None
    silent = replace(card, prices=replace(card.prices, audio_input=None))
    assert cost_usd(silent, transcript(5, 1000, 200)) is None
    assert cost_usd(silent, transcript(5, 0, 200)) is not None
    assert cost_usd(replace(card, prices=None), transcript(5, 0, 0)) is None


def test_a_share_of_the_price_can_be_asked() -> None:
    mini, usage = model("gpt-4o-mini-transcribe"), transcript(10, 100, 20)
    assert cost_usd(mini, usage, 0.5) == pytest.approx((cost_usd(mini, usage) or 0.0) / 2)
    ledger = Ledger()
    ledger.add("mine", mini, usage, 0.5)
    assert ledger.rows("mine")[0]["cost_usd"] == cost_usd(mini, usage, 0.5)


def test_a_ledger_adds_up_by_account_and_model() -> None:
    ledger, card = Ledger(), model("gpt-4o-mini-transcribe")
    for account in ("mine", "mine", "yours"):
        ledger.add(account, card, transcript(0, 100, 10))
    (row,) = ledger.rows("mine")
    assert (row["account"], row["model"], row["requests"], row["tokens"]) == ("mine", card.id, 2, 220)
    assert row["cost_usd"] == pytest.approx(2 * (cost_usd(card, transcript(0, 100, 10)) or 0))
    ledger.reset("mine")
    assert [row["account"] for row in ledger.rows()] == ["yours"]


def test_a_sum_of_which_nothing_is_known_is_unknown() -> None:
    ledger, card = Ledger(), replace(model("gpt-4o-mini-transcribe"), prices=None)
    ledger.add("mine", card, transcript(0, 100, 10))
    (row,) = ledger.rows()
    assert (row["cost_usd"], row["requests_of_unknown_cost"]) == (None, 1)


def test_a_ledger_of_many_accounts_stays_bounded_and_complete() -> None:
    ledger, card = Ledger(), model("gpt-4o-mini-transcribe")
    for number in range(10_500):
        ledger.add(str(number), card, transcript(0, 100, 10))
    rows = {row["account"]: row["requests"] for row in ledger.rows()}
    assert len(rows) <= 10_001
    assert rows["others"] + len(rows) - 1 == 10_500
    assert rows["10499"] == 1


def test_a_restored_ledger_tells_what_it_told() -> None:
    ledger, card = Ledger(), model("gpt-4o-mini-transcribe")
    ledger.add("mine", card, transcript(0, 100, 10))
    ledger.add("yours", replace(card, prices=None), transcript(0, 100, 10))
    state, rows = ledger.snapshot(None), ledger.rows()
    ledger.add("mine", card, transcript(0, 100, 10))
    ledger.restore(state, None)
    assert ledger.rows() == rows


def test_the_costs_of_one_account_can_become_anothers() -> None:
    ledger, card = Ledger(), model("gpt-4o-mini-transcribe")
    for account in ("mine", "mine", "yours", "theirs"):
        ledger.add(account, card, transcript(0, 100, 10))
    ledger.restore(ledger.snapshot("mine"), "yours")
    assert {row["account"]: row["requests"] for row in ledger.rows()} == {"mine": 2, "yours": 2, "theirs": 1}
