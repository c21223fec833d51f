"""Formats the results of moderation: of ``/v1/moderations``, and in chat completions.

No model judges the texts: a stub flags them, or a mark in a text, ``[flag: violence, hate]``, in which Azure's filter
also reads severities, ``[flag: hate=low]``. The scores are derived from the text.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Container, Iterable, Mapping, Sequence
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

_MARK = re.compile(r"\[flag: ([a-z/=, -]{1,300})\]")


def results(model: str, texts: Iterable[str], flagged: Container[str] = ()) -> Member:
    """Return the ``moderation_results`` of a ``model``: one result per text, flagged for the categories ``flagged``."""
    types = {category: ["text"] for category in CATEGORIES}
    judged = [judgement(text, CATEGORIES, flagged, types) for text in texts]
    return {
        "type": "moderation_results",
        "model": model,
        "results": [{"type": "moderation_result", "model": model, **each} for each in judged],
    }


def judgement(
    text: str,
    categories: Iterable[str],
    flagged: Container[str],
    types: Mapping[str, Sequence[str]] | None,
) -> Member:
    """Return a result: whether and for which ``categories`` it is flagged, with scores.

    These are ``flagged``, or marked in the text. ``types`` are the types of input that are judged for each category
    (``None``: the result has no such member); a category without any has the score 0.
    """
    marks = marked(text)
    found = {category: category in flagged or category in marks for category in categories}
    result: Member = {
        "flagged": any(found.values()),
        "categories": found,
        "category_scores": {
            category: _score(category, text, each) if types is None or types[category] or each else 0.0
            for category, each in found.items()
        },
    }
    return result if types is None else result | {"category_applied_input_types": dict(types)}


def marked(text: str) -> dict[str, str]:
    """Return what is marked in a text: ``{"violence": "", "hate": "low"}`` for ``[flag: violence, hate=low]``."""
    names = (name.partition("=") for mark in _MARK.findall(text) for name in mark.split(","))
    return {name.strip(): severity.strip() for name, _, severity in names}


def _score(category: str, text: str, flagged: bool) -> float:
    """Return a score from 0.000001 to 0.001, or above 0.9 if ``flagged``; always the same for the same text."""
    derived = zlib.crc32(f"{category}:{text}".encode("utf-8", "replace")) / 0xFFFFFFFF
    return 0.9 + derived / 10 if flagged else float(10 ** (-6 + 3 * derived))
