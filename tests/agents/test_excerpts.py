"""What agents see of JSON is bounded."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from mockserver.agents.excerpts import MAX_CHARACTERS, bounded, excerpt


def test_a_small_value_is_shown_as_it_is() -> None:
    value = {"id": "req_1", "texts": ["Good day.", "Grüße"], "status": 200, "stub": None}
    assert json.loads(bounded(value)) == value


def test_base64_is_cut() -> None:
    audio = base64.b64encode(bytes(range(256)) * 10).decode()
    shown = json.loads(bounded({"request": {"data": audio, "sha256": "0" * 64}}))["request"]
    assert shown == {"data": f"{audio[:24]}… (3,416 characters)", "sha256": "0" * 64}


def test_base64_within_a_text_is_cut() -> None:
    assert (
        excerpt("data:audio/wav;base64," + "A" * 500) == f"data:audio/wav;base64,{'A' * 24}… (500 characters)"
    )


@pytest.mark.parametrize(
    "value",
    [
        "word " * 100_000,
        ["word"] * 100_000,
        {f"name {number}": "word " * 50 for number in range(5_000)},
        {"entries": [{"events": [{"text": "word " * 400}] * 2_000}] * 100},
        {"word " * 10_000: 1},
    ],
    ids=["text", "list", "object", "nested", "name"],
)
def test_a_large_value_is_cut_to_the_bound(value: Any) -> None:
    shown = bounded(value)
    assert len(shown) <= MAX_CHARACTERS + 100
    assert "…" in shown


def test_unpaired_surrogates_can_be_sent() -> None:
    assert bounded({"text": "\ud800"}).encode() == b'{"text": "?"}'
