"""What moderation found, as chat completions tell it.

Nobody judges here: nothing is ever flagged. The scores are small, and derived from the text.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

CATEGORIES = (
    "harassment",
    "harassment/threatening",
    "sexual",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm/intent",
    "self-harm/instructions",
    "self-harm",
    "sexual/minors",
    "violence",
    "violence/graphic",
)

Member = dict[str, Any]


def results(model: str, texts: Iterable[str]) -> Member:
    """``moderation_results`` of a moderation ``model``, one for each text."""
    return {
        "type": "moderation_results",
        "model": model,
        "results": [_result(model, text) for text in texts],
    }


def _result(model: str, text: str) -> Member:
    return {
        "type": "moderation_result",
        "model": model,
        "flagged": False,
        "categories": dict.fromkeys(CATEGORIES, False),
        "category_scores": {category: _score(category, text) for category in CATEGORIES},
        "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
    }


def _score(category: str, text: str) -> float:
    """Between a millionth and a thousandth, always the same for a text."""
    derived = zlib.crc32(f"{category}:{text}".encode("utf-8", "replace")) / 0xFFFFFFFF
    return float(10 ** (-6 + 3 * derived))
