"""Text tokens, estimated: the real vocabularies are not to be had offline.

A word with its leading space is one token, and so is a mark of punctuation; that is how the streams of
the API cut English. Longer words are cut every eight letters, and scripts without spaces at each letter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_PIECE = re.compile(r"\s?[^\W_]+(?:['’][^\W_]+)*|\s?[^\w\s]|\s?_+|\s+")
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_LONGEST = 8


def split(text: str) -> Iterator[str]:
    """The tokens of ``text``, in order; joined they are the text again."""
    for match in _PIECE.finditer(text):
        piece = match.group()
        if _UNSPACED.search(piece):
            yield from piece
            continue
        width = (
            _LONGEST + len(piece) - len(piece.lstrip()) if len(piece.strip()) > 2 * _LONGEST else len(piece)
        )
        for start in range(0, len(piece), width):
            yield piece[start : start + width]


def count(text: str) -> int:
    """How many tokens ``text`` has."""
    return sum(1 for _ in split(text))
