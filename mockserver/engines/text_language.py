"""Detects the language of a text by its script and, for Latin script, by its most frequent words.

A few words are enough, and detection is fast; but closely related languages are sometimes confused.
The scripts, words and letters of the languages are in ``catalog/languages_text.toml``.
"""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.catalog.languages import language_table, primary_subtag

if TYPE_CHECKING:
    from collections.abc import Iterable

FALLBACK = "en"
MAX_CHARACTERS = 1000  # characters of the text that are examined
_LATIN = re.compile(r"[a-zA-Z\u00aa-\u024f\u1e00-\u1eff]")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


class _Script(Struct, frozen=True):
    letters: re.Pattern[str]
    language: str
    unless: tuple[tuple[str, re.Pattern[str]], ...]


def language_of_text(text: str, hint: str | None = None) -> str:
    """Return the ISO 639-1 code of the text's language; if there is a ``hint`` ("de", "de-AT"), the hint's."""
    if hint:
        return primary_subtag(hint)
    start = text[:MAX_CHARACTERS]
    if not start.isascii():
        script = max(_scripts(), key=lambda script: len(script.letters.findall(start)))
        if len(script.letters.findall(start)) > len(_LATIN.findall(start)):
            return next((language for language, own in script.unless if own.search(start)), script.language)
    return _latin_language(start)


def _latin_language(text: str) -> str:
    lowered = text.lower().replace("\u2019", "'")
    words = _votes(_WORD.findall(lowered), _languages_of_words())
    letters = _votes(lowered, _languages_of_letters())

    def likelihood(language: str) -> tuple[int, bool, int]:
        return words[language], bool(words) and language == FALLBACK, letters[language]

    return max(sorted({FALLBACK, *words, *letters}), key=likelihood)


def _votes(signs: Iterable[str], languages: dict[str, tuple[str, ...]]) -> Counter[str]:
    """Return the number of signs (words or letters) of each language."""
    return Counter(language for sign in signs for language in languages.get(sign, ()))


@cache
def _scripts() -> tuple[_Script, ...]:
    return tuple(
        _Script(
            _any_of(row["letters"]),
            row["language"],
            tuple((language, _any_of(letters)) for language, letters in row.get("unless", {}).items()),
        )
        for row in language_table()["scripts"]
    )


def _any_of(letters: str) -> re.Pattern[str]:
    return re.compile(f"[{letters}]")


@cache
def _languages_of_words() -> dict[str, tuple[str, ...]]:
    return _inverted(
        {language: words.split() for language, words in language_table()["latin"]["words"].items()}
    )


@cache
def _languages_of_letters() -> dict[str, tuple[str, ...]]:
    return _inverted(language_table()["latin"]["letters"])


def _inverted(signs: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return languages by sign, from signs by language."""
    languages: dict[str, list[str]] = {}
    for language, own in signs.items():
        for sign in sorted(set(own)):
            languages.setdefault(sign, []).append(language)
    return {sign: tuple(named) for sign, named in languages.items()}
