"""Calculates the costs of requests from the prices of the product pages (``catalog/models/``)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.catalog.records import Prices
    from mockserver.state.protocols import Counters, Value

_PER = 1_000_000  # tokens; prices are per million tokens
_MAX_ACCOUNTS = 9_900  # the rows of those that were idle longest are merged into those of _OTHERS
_BETWEEN_MERGES = 100  # new accounts
_KIND = "costs"  # of counters: the sums by model
_OTHERS = "others"
_SUMS = ("requests", "tokens", "seconds", "cost_usd", "requests_of_unknown_cost")

BATCH_SHARE = 0.5  # the share of the price that requests of a batch cost (Batch API guide)

Usage = Mapping[str, Any]


def chat_cost(prices: Prices, usage: Usage) -> float | None:
    """Return the cost in US dollars for the ``usage`` of a chat; ``None`` if a required price is unknown."""
    read, written = usage["prompt_tokens_details"], usage["completion_tokens_details"]
    return _sum(
        (prices.text_input, usage["prompt_tokens"] - read["audio_tokens"]),
        (prices.audio_input, read["audio_tokens"]),
        (prices.text_output, usage["completion_tokens"] - written["audio_tokens"]),
        (prices.audio_output, written["audio_tokens"]),
    )


def response_cost(prices: Prices, usage: Usage) -> float | None:
    """Return the cost in US dollars for the ``usage`` of a response; ``None`` if a required price is unknown."""
    return _sum((prices.text_input, usage["input_tokens"]), (prices.text_output, usage["output_tokens"]))


def realtime_cost(prices: Prices, usage: Usage) -> float | None:
    """Return the cost in US dollars for the ``usage`` of a Realtime response; ``None`` if a price is unknown."""
    read, written = usage["input_token_details"], usage["output_token_details"]
    cached = read["cached_tokens_details"]
    return _sum(
        (prices.text_input, read["text_tokens"] - cached["text_tokens"]),
        (prices.audio_input, read["audio_tokens"] - cached["audio_tokens"]),
        (prices.image_input, read["image_tokens"] - cached["image_tokens"]),
        (prices.cached_text_input, cached["text_tokens"]),
        (prices.cached_audio_input, cached["audio_tokens"]),
        (prices.cached_image_input, cached["image_tokens"]),
        (prices.text_output, written["text_tokens"]),
        (prices.audio_output, written["audio_tokens"]),
    )


def texts_cost(prices: Prices, usage: Usage) -> float | None:
    """Return the cost in US dollars for the ``usage`` of embeddings or completions; ``None`` if a price is unknown."""
    return _sum(
        (prices.text_input, usage["prompt_tokens"]), (prices.text_output, usage.get("completion_tokens", 0))
    )


def speech_cost(prices: Prices, usage: Usage) -> float | None:
    """Return the cost in US dollars for the ``usage`` of speech; ``None`` if a required price is unknown."""
    return _sum((prices.text_input, usage["input_tokens"]), (prices.audio_output, usage["output_tokens"]))


def transcription_cost(prices: Prices, usage: Usage) -> float | None:
    """Return the cost in US dollars for the ``usage`` of a transcription, which is in seconds or tokens.

    Return ``None`` if a required price is unknown.
    """
    if usage["type"] == "duration":
        return None if prices.per_minute is None else prices.per_minute * float(usage["seconds"]) / 60
    read = usage["input_token_details"]
    return _sum(
        (prices.text_input, read["text_tokens"]),
        (prices.audio_input, read["audio_tokens"]),
        (prices.text_output, usage["output_tokens"]),
    )


def _sum(*priced: tuple[float | None, int]) -> float | None:
    """Return the cost in US dollars of pairs of price and number of tokens."""
    total = 0.0
    for price, count in priced:
        if count and price is None:
            return None
        total += (price or 0.0) * count / _PER
    return total


class Ledger:
    """The sums of usage and costs by account and model, which all processes share. Thread-safe."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._new = itertools.count(1)  # accounts

    def add(self, account: str, model: str, usage: Usage, cost: float | None) -> None:
        """Add one answered request of an account to a model id; a ``cost`` of ``None`` is unknown."""
        row = {
            "requests": 1,
            "tokens": usage.get("total_tokens", 0),
            "seconds": usage.get("seconds", 0),
            "cost_usd": cost or 0,
            "requests_of_unknown_cost": int(cost is None),
        }
        is_new = self._counters.change(_KIND, account, partial(_add, {model: row}))
        if is_new and next(self._new) % _BETWEEN_MERGES == 0:
            self._merge_oldest()

    def rows(self, account: str | None = None) -> list[dict[str, Any]]:
        """Return the sums. ``cost_usd`` is ``None`` if the cost of no request is known."""
        rows = self._rows(account)
        for row in rows:
            if row["requests_of_unknown_cost"] == row["requests"]:
                row["cost_usd"] = None
        return rows

    def reset(self, account_id: str | None) -> None:
        """Forget the sums of an account, or all."""
        self._counters.clear(_KIND, account_id)

    def snapshot(self, account_id: str | None) -> list[dict[str, Any]]:
        """Return the sums of an account, or all, for ``restore``."""
        return [
            {**row, "account": row["account"] if account_id is None else None}
            for row in self._rows(account_id)
        ]

    def restore(self, state: list[dict[str, Any]], account_id: str | None) -> None:
        """Replace the sums of an account, or all, with those of a ``snapshot``."""
        accounts: dict[str, Value] = {}
        for row in state:
            sums = {name: row[name] for name in _SUMS}
            accounts.setdefault(account_id or row["account"], {})[row["model"]] = sums
        self.reset(account_id)
        for account, rows in accounts.items():
            self._counters.change(_KIND, account, partial(_add, rows))
        self._merge_oldest()

    def _rows(self, account_id: str | None) -> list[dict[str, Any]]:
        found = (
            self._counters.all(_KIND)
            if account_id is None
            else {account_id: self._counters.get(_KIND, account_id)}
        )
        return [
            {"account": account, "model": model, **row}
            for account, rows in found.items()
            for model, row in rows.items()
        ]

    def _merge_oldest(self) -> None:
        """Merge the sums of the accounts that were idle longest into those of ``others``, if there are too many."""
        oldest = [account for account in self._counters.all(_KIND) if account != _OTHERS]
        for account in oldest[: max(0, len(oldest) - _MAX_ACCOUNTS)]:
            rows = self._counters.change(_KIND, account, _take)
            self._counters.change(_KIND, _OTHERS, partial(_add, rows))


def _add(rows: Value, value: Value) -> bool:
    """Add rows to those of an account. Return whether it had none."""
    is_new = not value
    for model, row in rows.items():
        sums = value.get(model) or dict.fromkeys(_SUMS, 0)
        value[model] = {name: sums[name] + row[name] for name in _SUMS}
    return is_new


def _take(value: Value) -> Value:
    """Remove the rows of an account, and return them."""
    rows = dict(value)
    value.clear()
    return rows
