"""The costs of requests by the published prices; an unknown cost is not zero."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from mockserver.catalog.records import ModelCard, Prices
from mockserver.catalog.tables import Catalog
from mockserver.limits.costs import (
    Ledger,
    chat_cost,
    realtime_cost,
    speech_cost,
    texts_cost,
    transcription_cost,
)
from mockserver.state.memory.counters import MemoryCounters

CATALOG = Catalog()
MODEL = "gpt-4o-mini-transcribe"


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
    cost = transcription_cost(card.prices, transcript(5, 1000, 200))
    assert cost == pytest.approx(expected / 1_000_000)
    assert cost


def test_a_price_that_is_not_known_makes_the_cost_unknown_only_where_it_is_needed() -> None:
    card = model("gpt-4o-mini-transcribe")
    assert card.prices is not None
    prices = replace(card.prices, audio_input=None)
    assert transcription_cost(prices, transcript(5, 1000, 200)) is None
    assert transcription_cost(prices, transcript(5, 0, 200)) is not None


def test_seconds_cost_by_the_minute() -> None:
    usage = {"type": "duration", "seconds": 30}
    assert transcription_cost(Prices(per_minute=0.006), usage) == pytest.approx(0.003)
    assert transcription_cost(Prices(text_input=1.0), usage) is None


def test_a_chat_costs_what_it_reads_and_writes_in_text_and_audio() -> None:
    prices = Prices(text_input=1.0, audio_input=10.0, text_output=100.0, audio_output=1000.0)
    usage = {
        "prompt_tokens": 5,
        "prompt_tokens_details": {"audio_tokens": 2},
        "completion_tokens": 9,
        "completion_tokens_details": {"audio_tokens": 5},
    }
    assert chat_cost(prices, usage) == pytest.approx((3 * 1 + 2 * 10 + 4 * 100 + 5 * 1000) / 1_000_000)


def test_speech_costs_the_text_that_is_read_and_the_audio_that_is_spoken() -> None:
    usage = {"input_tokens": 3, "output_tokens": 40}
    assert speech_cost(Prices(text_input=1.0, audio_output=10.0), usage) == pytest.approx(403 / 1_000_000)


def test_a_ledger_adds_up_by_account_and_model() -> None:
    ledger = Ledger(MemoryCounters())
    for account in ("mine", "mine", "yours"):
        ledger.add(account, MODEL, transcript(0, 100, 10), 0.25)
    (row,) = ledger.rows("mine")
    assert (row["account"], row["model"], row["requests"], row["tokens"]) == ("mine", MODEL, 2, 220)
    assert row["cost_usd"] == 0.5
    ledger.reset("mine")
    assert [row["account"] for row in ledger.rows()] == ["yours"]


def test_a_sum_of_which_nothing_is_known_is_unknown() -> None:
    ledger = Ledger(MemoryCounters())
    ledger.add("mine", MODEL, transcript(0, 100, 10), None)
    (row,) = ledger.rows()
    assert (row["cost_usd"], row["requests_of_unknown_cost"]) == (None, 1)


def test_a_ledger_of_many_accounts_stays_bounded_and_complete() -> None:
    ledger = Ledger(MemoryCounters())
    for number in range(10_500):
        ledger.add(str(number), MODEL, transcript(0, 100, 10), 0.25)
    rows = {row["account"]: row["requests"] for row in ledger.rows()}
    assert len(rows) <= 10_001
    assert rows["others"] + len(rows) - 1 == 10_500
    assert rows["10499"] == 1


def test_a_restored_ledger_has_the_same_costs() -> None:
    ledger = Ledger(MemoryCounters())
    ledger.add("mine", MODEL, transcript(0, 100, 10), 0.25)
    ledger.add("yours", MODEL, transcript(0, 100, 10), None)
    state, rows = ledger.snapshot(None), ledger.rows()
    ledger.add("mine", MODEL, transcript(0, 100, 10), 0.25)
    ledger.restore(state, None)
    assert ledger.rows() == rows


def test_the_costs_of_one_account_can_become_anothers() -> None:
    ledger = Ledger(MemoryCounters())
    for account in ("mine", "mine", "yours", "theirs"):
        ledger.add(account, MODEL, transcript(0, 100, 10), 0.25)
    ledger.restore(ledger.snapshot("mine"), "yours")
    assert {row["account"]: row["requests"] for row in ledger.rows()} == {"mine": 2, "yours": 2, "theirs": 1}


def test_embeddings_cost_their_tokens_and_completions_both_kinds() -> None:
    small, instruct = model("text-embedding-3-small").prices, model("gpt-3.5-turbo-instruct").prices
    assert small is not None
    assert instruct is not None
    assert texts_cost(small, {"prompt_tokens": 1_000_000}) == pytest.approx(0.02)
    used = {"prompt_tokens": 1_000_000, "completion_tokens": 500_000}
    assert texts_cost(instruct, used) == pytest.approx(1.5 + 1.0)
    assert texts_cost(small, used) is None


def spoken(**read: int) -> dict[str, Any]:
    """Return the usage of a Realtime response; ``cached_text`` and others are parts of what was read."""
    kinds = ("text", "audio", "image")
    cached = {f"{kind}_tokens": read.get(f"cached_{kind}", 0) for kind in kinds}
    details = {f"{kind}_tokens": read.get(kind, 0) for kind in kinds}
    return {
        "input_token_details": {**details, "cached_tokens_details": cached},
        "output_token_details": {"text_tokens": 1_000, "audio_tokens": 2_000},
    }


def test_a_realtime_response_costs_less_for_what_is_cached() -> None:
    prices = model("gpt-realtime").prices
    assert prices is not None
    written = (1_000 * 16 + 2_000 * 64) / 1_000_000
    fresh = realtime_cost(prices, spoken(text=3_000, audio=5_000, image=100))
    assert fresh == pytest.approx(written + (3_000 * 4 + 5_000 * 32 + 100 * 5) / 1_000_000)
    usage = spoken(text=3_000, audio=5_000, cached_text=1_024, cached_audio=2_048)
    read = 1_976 * 4 + 1_024 * 0.4 + 2_952 * 32 + 2_048 * 0.4
    assert realtime_cost(prices, usage) == pytest.approx(written + read / 1_000_000)


def test_a_cached_price_that_is_not_known_makes_the_cost_unknown_only_where_it_is_needed() -> None:
    prices = model("gpt-realtime-2.1").prices
    assert prices is not None
    assert realtime_cost(prices, spoken(image=10)) is not None
    assert realtime_cost(prices, spoken(image=10, cached_image=10)) is None
