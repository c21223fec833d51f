"""Parses limits written as text: ``requests_per_minute=3, tokens_per_minute=none``."""

from __future__ import annotations

from functools import lru_cache

from mockserver.catalog.limit_kinds import KINDS, QUEUE_KINDS
from mockserver.wording import MAX_TEXT, shown

OBSERVED = "observed"
MAX_AMOUNT = 10**15  # as ``schemas/mock/limits.json`` has it
_NAMES = (*KINDS, *QUEUE_KINDS)


def wants_observed(text: str) -> bool:
    """Return whether ``text`` contains ``observed``: limits of recorded responses override the catalog's."""
    return OBSERVED in text and OBSERVED in (part.strip() for part in text.split(","))


@lru_cache(maxsize=1024)
def parse_overrides(text: str) -> dict[str, int | None]:
    """Return the limits in ``text`` by kind, ``None`` for ``none``, which removes a limit. Raises ``ValueError``.

    The word ``observed`` (see ``wants_observed``) is skipped.
    """
    overrides: dict[str, int | None] = {}
    for part in text.split(","):
        if part.strip() in ("", OBSERVED):
            continue
        name, _, amount = (each.strip() for each in part.partition("="))
        overrides[name] = limit_of(name, amount)
    return overrides


def limit_of(kind: str, amount: object) -> int | None:
    """Return the limit that ``amount`` (digits or a number) stands for; ``None`` for ``"none"``.

    Raises ``ValueError``.
    """
    if kind not in _NAMES:
        raise ValueError(f"{shown(kind)} is not one of {', '.join(_NAMES)}, or {OBSERVED}")
    if amount == "none":
        return None
    limit = amount
    if isinstance(amount, str) and amount.isascii() and amount.isdigit():
        limit = int(amount[:MAX_TEXT])  # Python parses at most 4,300 digits
    if type(limit) is not int or limit < 1:
        raise ValueError(f"{kind}={shown(amount)} is not a whole number above 0 or none")
    if limit > MAX_AMOUNT:
        raise ValueError(f"{kind}={shown(amount)} is too large; the maximum is {MAX_AMOUNT}")
    return limit
