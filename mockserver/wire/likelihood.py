"""Makes log probabilities of tokens: no model computes any, so they are derived from the tokens' bytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from mockserver.wire import tokens

Entry = dict[str, Any]


def entries(
    written: Iterable[bytes], alternatives: int, vocabulary: tokens.Vocabulary = tokens.DEFAULT
) -> list[Entry]:
    """Return the log probability of each token, each with ``alternatives`` likeliest tokens (``top_logprobs``)."""
    return [_entry(token, alternatives, vocabulary) for token in written]


def _entry(token: bytes, alternatives: int, vocabulary: tokens.Vocabulary) -> Entry:
    entry = tokens.logprob(token, -0.2 * _derived(token) ** 4)
    others = tokens.others(token, alternatives - 1, vocabulary) if alternatives > 1 else []
    less_likely = [tokens.logprob(each, -3.5 - 0.5 * place) for place, each in enumerate(others)]
    entry["top_logprobs"] = [entry.copy(), *less_likely] if alternatives else []
    return entry


def _derived(token: bytes) -> float:
    return zlib.crc32(token) / 0xFFFFFFFF
