"""The confidence of words: from the engine's probabilities, else derived deterministically from the text."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.engines.transcription import Word

_MIN_CONFIDENCE, _MAX_CONFIDENCE = 0.85, 0.9995  # range of derived values


def of_word(word: Word) -> float:
    """Return the confidence of a word, from 0 to 1."""
    if word.probability is not None:
        return round(min(max(word.probability, 0.0), 1.0), 7)
    share = zlib.crc32(word.text.encode()) / 0xFFFFFFFF
    return round(_MIN_CONFIDENCE + (_MAX_CONFIDENCE - _MIN_CONFIDENCE) * share, 7)


def of_words(words: Sequence[Word]) -> float:
    """Return the confidence of a transcript: the mean of its words; 0 without words."""
    return round(sum(map(of_word, words)) / len(words), 7) if words else 0.0
