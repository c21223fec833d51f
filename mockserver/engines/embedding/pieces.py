"""Divides texts into weighted pieces: words, their stems and beginnings, parts of three letters, and pairs of words.

Texts are near each other if they share pieces, so forms and compounds of a word are near it, too. Letters are compared
without case and accents. A piece is its hash; its weight grows slowly with the number of its occurrences.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from itertools import islice, pairwise

_WORD = re.compile(r"[^\W_]+|[^\w\s]")
# Scripts without spaces, whose words are found as pairs of letters.
_UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_BEGINNING = 5  # letters that related words have in common
_PART = 3  # letters of a part of a word, and at least of a stem
_MOST_WORDS = 32_768  # at the beginning of a text, several times as many as models read
_MOST_LETTERS = 256  # at the beginning of a word, of which the parts are pieces
_MOST_UNSPACED = 65_536  # the same, for scripts without spaces, where a sentence is a word here
_MOST_KNOWN = 65_536  # words whose pieces are kept
_SLICE = 65_536  # characters that are compared without accents at a time

_OF_WORD, _OF_STEM, _OF_BEGINNING, _OF_PART, _OF_PAIR = 6, 10, 4, 2, 2
_OF_COMMON, _OF_MARK, _OF_TEXT = 1, 1, 2

Piece = tuple[int, int]  # hash, weight


class Pieces:
    """The pieces of texts. ``common`` are words that say little, ``endings`` those of words. Words are divided once.

    Of a very long text, the words at its beginning are divided; of a very long word, its beginning is.
    """

    def __init__(self, common: Collection[str], endings: Sequence[str]) -> None:
        self._common = common
        self._endings = endings
        self._known: dict[str, tuple[Piece, ...]] = {}

    def of(self, text: str) -> Iterator[Piece]:
        """Yield the pieces of ``text``.

        The text itself is one, too: so no text is without pieces, and texts that differ have different vectors.
        """
        yield _hash(f"text {text}"), _OF_TEXT
        words = [found[0] for found in islice(_WORD.finditer(_plain(text)), _MOST_WORDS)]
        for word, count in Counter(words).items():
            times = _times(count)
            for piece, weight in self._of_word(word):
                yield piece, weight * times
        for (first, second), count in Counter(pairwise(words)).items():
            yield _hash(f"pair {first} {second}"), _OF_PAIR * _times(count)

    def _of_word(self, word: str) -> tuple[Piece, ...]:
        known = self._known.get(word)
        if known is None:
            known = tuple((_hash(piece), weight) for piece, weight in self._weighted(word))
            if len(self._known) < _MOST_KNOWN:
                self._known[word] = known
        return known

    def _weighted(self, word: str) -> Iterator[tuple[str, int]]:
        """Yield the pieces of a word or punctuation mark with their weights."""
        if not word[0].isalnum():
            yield f"word {word}", _OF_MARK
        elif word in self._common:
            yield f"word {word}", _OF_COMMON
        elif _UNSPACED.search(word):
            for place in range(min(len(word), _MOST_UNSPACED)):
                yield f"word {word[place]}", _OF_PART
                yield f"word {word[place : place + 2]}", _OF_STEM
        else:
            yield f"word {word}", _OF_WORD
            yield f"stem {self._stem(word)}", _OF_STEM
            yield f"beginning {word[:_BEGINNING]}", _OF_BEGINNING
            framed = f"<{word}>"[: _MOST_LETTERS + 2]
            for place in range(len(framed) - _PART + 1):
                yield f"part {framed[place : place + _PART]}", _OF_PART

    def _stem(self, word: str) -> str:
        """Return the word without an ending, and without the doubled letter before it."""
        ending = next((each for each in self._endings if word.endswith(each)), "")
        stem = word.removesuffix(ending)
        if len(stem) < _PART:
            return word
        return stem[:-1] if len(stem) > _PART and stem[-1] == stem[-2] else stem


def _times(count: int) -> int:
    """Return the factor of the weight of a piece that occurs ``count`` times."""
    return count.bit_length() + 1


def _hash(piece: str) -> int:
    return zlib.crc32(piece.encode("utf-8", "replace"))


def _plain(text: str) -> str:
    """Return the text in lower case, without accents."""
    if text.isascii():
        return text.lower()
    slices = (text[start : start + _SLICE] for start in range(0, len(text), _SLICE))
    return "".join(map(_without_accents, slices))


def _without_accents(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return "".join([letter for letter in letters if not unicodedata.combining(letter)])
