"""Words that several of the API's messages have in common."""

from __future__ import annotations

from collections.abc import Sequence


def enumeration(values: Sequence[str], conjunction: str) -> str:
    """``'a', 'b', and 'c'`` or ``'a' or 'b'``, as the API's messages list values."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) < 3:
        return f" {conjunction} ".join(quoted)
    return ", ".join(quoted[:-1]) + f", {conjunction} {quoted[-1]}"
