"""Formats values and lists for messages."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Collection, Sequence

MAX_TEXT = 4096  # characters of a short text of users: a setting, the name of a model

_MAX_QUOTED = 16_384  # characters of a quoted value; an answer never repeats megabytes of a request


def cut(text: str, max_length: int = _MAX_QUOTED) -> str:
    """Return ``text``, truncated after ``max_length`` characters."""
    return text if len(text) <= max_length else text[:max_length] + "…"


def enumeration(values: Sequence[str], conjunction: str) -> str:
    """Return ``'a', 'b', and 'c'`` or ``'a' or 'b'``, as the API's messages list values."""
    return listing([f"'{value}'" for value in values], conjunction)


def listing(words: Sequence[str], conjunction: str) -> str:
    """Return ``a, b, and c`` or ``a or b``."""
    if len(words) < 3:
        return f" {conjunction} ".join(words)
    return ", ".join(words[:-1]) + f", {conjunction} {words[-1]}"


def suggestion(name: str, known: Collection[str], otherwise: str = "") -> str:
    """Return ``Did you mean 'y'?`` for the known name most similar to ``name``, else ``otherwise`` or all names."""
    nearest = nearest_name(name, known)
    return f"Did you mean {nearest!r}?" if nearest else otherwise or f"Known: {', '.join(known) or 'none'}."


def nearest_name(name: str, known: Collection[str], cutoff: float = 0.6) -> str | None:
    """Return the known name most similar to ``name``, or ``None`` if no similarity reaches ``cutoff`` (0 to 1)."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name[:100], known, n=1, cutoff=cutoff)), None)


def problem_of_text(text: str, *, is_path: bool = False, max_length: int = MAX_TEXT) -> str | None:
    """Return why ``text`` is invalid, as the end of a sentence, or ``None``. Paths may be other than UTF-8."""
    if len(text) > max_length:
        return f"is longer than {max_length:,} characters"
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs" and not is_path:
            return "is not UTF-8 text"
        if category == "Cc":
            return f"has a control character ({character!r})"
    return None


def shown(value: object) -> str:
    """Return ``value`` in the form that messages show, shortened if it is long or deep."""
    try:
        return _SHOWN.repr(value)
    except (ValueError, RecursionError):  # more than the 4,300 digits that Python writes
        return "the value"


class _Shown(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 200
        self.maxlong = 40
        self.maxlevel = 3


_SHOWN = _Shown()
