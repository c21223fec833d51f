"""Calculates the costs of requests from the prices of the product pages (``catalog/models/``)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.catalog.records import Prices

_PER = 1_000_000  # tokens; prices are per million tokens
_MAX_ROWS = 10_000  # pairs of account and model; the oldest rows are merged into those of _OTHERS
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
    """The sums of usage and costs by account and model."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: OrderedDict[tuple[str, str], dict[str, Any]] = OrderedDict()

    def add(self, account: str, model: str, usage: Usage, cost: float | None) -> None:
        """Add one answered request of an account to a model id; a ``cost`` of ``None`` is unknown."""
        with self._lock:
            row = self._rows.get((account, model))
            if row is None:
                if len(self._rows) >= _MAX_ROWS:
                    self._merge_oldest()
                row = self._rows.setdefault((account, model), dict.fromkeys(_SUMS, 0))
            row["requests"] += 1
            row["tokens"] += usage.get("total_tokens", 0)
            row["seconds"] += usage.get("seconds", 0)
            if cost is None:
                row["requests_of_unknown_cost"] += 1
            else:
                row["cost_usd"] += cost

    def rows(self, account: str | None = None) -> list[dict[str, Any]]:
        """Return the sums. ``cost_usd`` is ``None`` if the cost of no request is known."""
        with self._lock:
            rows = [(key, dict(row)) for key, row in self._rows.items() if account in (None, key[0])]
        for _, row in rows:
            if row["requests_of_unknown_cost"] == row["requests"]:
                row["cost_usd"] = None
        return [{"account": key[0], "model": key[1], **row} for key, row in rows]

    def reset(self, account_id: str | None) -> None:
        """Forget the sums of an account, or all."""
        with self._lock:
            self._forget(account_id)

    def snapshot(self, account_id: str | None) -> list[dict[str, Any]]:
        """Return the sums of an account, or all, for ``restore``."""
        with self._lock:
            return [
                {"account": account if account_id is None else None, "model": model, **row}
                for (account, model), row in self._rows.items()
                if account_id in (None, account)
            ]

    def restore(self, state: list[dict[str, Any]], account_id: str | None) -> None:
        """Replace the sums of an account, or all, with those of a ``snapshot``."""
        rows = {
            (account_id or row["account"], row["model"]): {name: row[name] for name in _SUMS} for row in state
        }
        with self._lock:
            self._forget(account_id)
            self._rows.update(rows)
            while len(self._rows) > _MAX_ROWS:
                self._merge_oldest()

    def _forget(self, account_id: str | None) -> None:
        for key in [key for key in self._rows if account_id in (None, key[0])]:
            del self._rows[key]

    def _merge_oldest(self) -> None:
        (_, model), oldest = self._rows.popitem(last=False)
        others = self._rows.setdefault((_OTHERS, model), dict.fromkeys(oldest, 0))
        for name, amount in oldest.items():
            others[name] += amount
