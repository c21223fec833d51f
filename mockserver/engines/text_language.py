"""Which language a text is in, told from its script and, for Latin script, from its most frequent words.

Good for what is spoken to a test double: a few words are enough, and it costs next to nothing. The languages and what
tells them apart are in ``catalog/languages_text.toml``.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_TABLE = Path(__file__).parents[1] / "catalog" / "languages_text.toml"

FALLBACK = "en"
ENOUGH = 1000  # characters that are looked at
_LATIN = re.compile(r"[a-zA-Z\u00aa-\u024f\u1e00-\u1eff]")
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?")


@dataclass(frozen=True, slots=True)
class _Script:
    letters: re.Pattern[str]
    language: str
    unless: tuple[tuple[str, re.Pattern[str]], ...]


def language_of_text(text: str, hint: str | None = None) -> str:
    """The ISO 639-1 code of the language ``text`` is in; ``hint`` ("de", "de-AT") is believed unseen."""
    if hint:
        return re.split("[-_]", hint.strip().lower())[0]
    seen = text[:ENOUGH]
    if not seen.isascii():
        script = max(_scripts(), key=lambda script: len(script.letters.findall(seen)))
        if len(script.letters.findall(seen)) > len(_LATIN.findall(seen)):
            return next((language for language, own in script.unless if own.search(seen)), script.language)
    return _latin_language(seen)


def espeak_voices() -> dict[str, str]:
    """Identifiers of espeak-ng's voices by language (ISO 639-1)."""
    voices: dict[str, str] = _table()["espeak_voices"]
    return voices


def _latin_language(text: str) -> str:
    evidence: Counter[str] = Counter()
    lowered = text.lower()
    for word in _WORD.findall(lowered.replace("\u2019", "'")):
        evidence.update(_languages_of_words().get(word, ()))
    for letter in lowered:
        evidence.update(_languages_of_letters().get(letter, ()))
    most = max(evidence.values(), default=0)
    if evidence[FALLBACK] == most:
        return FALLBACK
    return next(language for language in evidence if evidence[language] == most)


@cache
def _scripts() -> tuple[_Script, ...]:
    return tuple(
        _Script(
            _any_of(row["letters"]),
            row["language"],
            tuple((language, _any_of(letters)) for language, letters in row.get("unless", {}).items()),
        )
        for row in _table()["scripts"]
    )


def _any_of(letters: str) -> re.Pattern[str]:
    return re.compile(f"[{letters}]")


@cache
def _languages_of_words() -> dict[str, tuple[str, ...]]:
    return _inverted({language: words.split() for language, words in _table()["latin"]["words"].items()})


@cache
def _languages_of_letters() -> dict[str, tuple[str, ...]]:
    return _inverted(_table()["latin"]["letters"])


def _inverted(signs: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    """Languages by sign, from signs by language."""
    languages: dict[str, list[str]] = {}
    for language, own in signs.items():
        for sign in sorted(set(own)):
            languages.setdefault(sign, []).append(language)
    return {sign: tuple(named) for sign, named in languages.items()}


@cache
def _table() -> dict[str, Any]:
    return tomllib.loads(_TABLE.read_text("utf-8"))
