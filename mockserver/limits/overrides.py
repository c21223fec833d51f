"""Limits written as text: ``requests_per_minute=3, tokens_per_minute=none``."""

from __future__ import annotations

from functools import lru_cache

from mockserver.limits.kinds import KINDS, QUEUE_KINDS

_NAMES = (*KINDS, *QUEUE_KINDS)


@lru_cache(maxsize=1024)
def parse_overrides(text: str) -> dict[str, int | None]:
    """The limits in ``text``, by kind; ``none`` takes one away. Raises ``ValueError`` saying what is wrong."""
    overrides: dict[str, int | None] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        name, _, amount = (each.strip() for each in part.partition("="))
        if name not in _NAMES:
            raise ValueError(f"{name!r} is not one of {', '.join(_NAMES)}")
        if amount == "none":
            overrides[name] = None
        elif amount.isascii() and amount.isdigit() and int(amount) > 0:
            overrides[name] = int(amount)
        else:
            raise ValueError(f"{name}={amount!r} is neither a whole number above 0 nor none")
    return overrides
