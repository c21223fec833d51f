"""Formats the results of moderation in chat completions.

No model judges the texts: only a stub can flag them. The scores are derived from the text.
"""

from __future__ import annotations

import zlib
from collections.abc import Container, Iterable
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


def results(model: str, texts: Iterable[str], flagged: Container[str] = ()) -> Member:
    """Return the ``moderation_results`` of a ``model``: one result per text, flagged for the categories ``flagged``."""
    return {
        "type": "moderation_results",
        "model": model,
        "results": [_result(model, text, flagged) for text in texts],
    }


def _result(model: str, text: str, flagged: Container[str]) -> Member:
    found = {category: category in flagged for category in CATEGORIES}
    return {
        "type": "moderation_result",
        "model": model,
        "flagged": any(found.values()),
        "categories": found,
        "category_scores": {category: _score(category, text, each) for category, each in found.items()},
        "category_applied_input_types": {category: ["text"] for category in CATEGORIES},
    }


def _score(category: str, text: str, flagged: bool) -> float:
    """Return a score from 0.000001 to 0.001, or above 0.9 if ``flagged``; always the same for the same text."""
    derived = zlib.crc32(f"{category}:{text}".encode("utf-8", "replace")) / 0xFFFFFFFF
    return 0.9 + derived / 10 if flagged else float(10 ** (-6 + 3 * derived))
