"""Words that several of the API's messages have in common."""

from __future__ import annotations

from collections.abc import Sequence

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
