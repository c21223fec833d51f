"""Reads ``languages_text.toml``: the languages of texts, their letters and words, and their voices."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from mockserver.catalog.reading import read_table

_TABLE = Path(__file__).parent / "languages_text.toml"


@cache
def language_table() -> dict[str, Any]:
    """Return the whole table."""
    return read_table(_TABLE)


def espeak_voices() -> dict[str, str]:
    """Return the identifiers of espeak-ng's voices by language (ISO 639-1)."""
    voices: dict[str, str] = language_table()["espeak_voices"]
    return voices


def is_language(code: str) -> bool:
    """Return whether ``espeak_voices`` has a voice for the language ``code`` ("de", "de-AT")."""
    return primary_subtag(code) in espeak_voices()


def primary_subtag(code: str) -> str:
    """Return the language part of a code: ``de`` of ``de-AT``."""
    return re.split("[-_]", code.strip().lower())[0]
