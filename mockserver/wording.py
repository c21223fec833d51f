"""How messages show values and lists."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Collection, Sequence

MAX_TEXT = 4096  # characters of a text that people write: a setting, the name of a model

# A value is quoted up to this many characters, so that an answer never repeats megabytes of a request.
_QUOTED = 16_384


def cut(text: str, most: int = _QUOTED) -> str:
    """Return ``text``, or where it has more than ``most`` characters its beginning."""
    return text if len(text) <= most else text[:most] + "…"


def enumeration(values: Sequence[str], conjunction: str) -> str:
    """``'a', 'b', and 'c'`` or ``'a' or 'b'``, as the API's messages list values."""
    return listing([f"'{value}'" for value in values], conjunction)


def listing(words: Sequence[str], conjunction: str) -> str:
    """Return ``a, b, and c`` or ``a or b``."""
    if len(words) < 3:
        return f" {conjunction} ".join(words)
    return ", ".join(words[:-1]) + f", {conjunction} {words[-1]}"


def suggestion(name: str, known: Collection[str], otherwise: str = "") -> str:
    """Return ``Did you mean 'y'?`` for the known name nearest to ``name``; without one ``otherwise``, or all names."""
    nearest = nearest_name(name, known)
    return f"Did you mean {nearest!r}?" if nearest else otherwise or f"Known: {', '.join(known) or 'none'}."


def nearest_name(name: str, known: Collection[str], cutoff: float = 0.6) -> str | None:
    """Return the known name most similar to ``name``, or ``None`` if no similarity reaches ``cutoff`` (0 to 1)."""
    from difflib import get_close_matches

    return next(iter(get_close_matches(name[:100], known, n=1, cutoff=cutoff)), None)


def problem_of_text(text: str, *, is_path: bool = False, longest: int = MAX_TEXT) -> str | None:
    """Return what keeps a text from being used, or ``None``. Paths may have bytes that are no UTF-8."""
    if len(text) > longest:
        return f"is longer than {longest:,} characters"
    for character in text:
        category = unicodedata.category(character)
        if category == "Cs" and not is_path:
            return "is not UTF-8 text"
        if category == "Cc":
            return f"has a control character in it ({character!r})"
    return None


def shown(value: object) -> str:
    """Return ``value`` as messages show it, however long or deep it is."""
    try:
        return _SHOWN.repr(value)
    except (ValueError, RecursionError):  # more digits than Python writes (4,300)
        return "the value"


class _Shown(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = 200
        self.maxlong = 40
        self.maxlevel = 3


_SHOWN = _Shown()
