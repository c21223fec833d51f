"""Limits written as text: ``requests_per_minute=3, tokens_per_minute=none``."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mockserver.limits.kinds import KINDS, QUEUE_KINDS
from mockserver.settings_values import LONGEST_TEXT, SettingsError, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from mockserver.catalog.tables import Catalog
    from mockserver.settings import AccountRow, LimitRow

OBSERVED = "observed"
MOST = 10**15  # as ``schemas/mock/limits.json`` has it
_NAMES = (*KINDS, *QUEUE_KINDS)


def wants_observed(text: str) -> bool:
    """Return whether ``text`` asks for the limits of recorded answers, where they contradict the tables."""
    return OBSERVED in text and OBSERVED in (part.strip() for part in text.split(","))


@lru_cache(maxsize=1024)
def parse_overrides(text: str) -> dict[str, int | None]:
    """Return the limits in ``text``, by kind; ``none`` takes one away. Raises ``ValueError`` saying what is wrong.

    The word ``observed`` may stand among them (see ``wants_observed``).
    """
    overrides: dict[str, int | None] = {}
    for part in text.split(","):
        if part.strip() in ("", OBSERVED):
            continue
        name, _, amount = (each.strip() for each in part.partition("="))
        overrides[name] = limit_of(name, amount)
    return overrides


def limit_of(kind: str, amount: object) -> int | None:
    """Return a limit: an ``amount`` in digits or as a number; ``"none"`` takes the limit away.

    Raises ``ValueError`` saying what is wrong.
    """
    if kind not in _NAMES:
        raise ValueError(f"{shown(kind)} is not one of {', '.join(_NAMES)}, or {OBSERVED}")
    if amount == "none":
        return None
    limit = amount
    if isinstance(amount, str) and amount.isascii() and amount.isdigit():
        limit = int(amount[:LONGEST_TEXT])  # Python reads 4,300 digits at most
    if type(limit) is not int or limit < 1:
        raise ValueError(f"{kind}={shown(amount)} is neither a whole number above 0 nor none")
    if limit > MOST:
        raise ValueError(f"{kind}={shown(amount)} is too large; the most is {MOST}")
    return limit


def check_limits(
    limit_rows: Iterable[LimitRow], accounts: Iterable[AccountRow], catalog: Catalog, source: str = ""
) -> None:
    """Raises ``SettingsError`` for limit groups and models that there are not, telling the ``source`` of the rows."""
    rows = [("", row) for row in limit_rows]
    rows += [(f"accounts[{i}].", row) for i, each in enumerate(accounts) for row in each.limits]
    allowed = [(f"accounts[{i}].", model) for i, each in enumerate(accounts) for model in each.models]
    if not rows and not allowed:
        return
    groups = sorted({model.limit_group for model in catalog.every_model})
    for place, row in rows:
        if row.group not in groups:
            where = f"{source}{place}limits.{row.group}"
            raise SettingsError(
                f"{where}: there is no such limit group. {_meant(row.group, groups, 'limits')}"
            )
    models = sorted({model.id for model in catalog.every_model})
    for place, name in allowed:
        if name not in models:
            raise SettingsError(
                f"{source}{place}models: there is no model {shown(name)}. {_meant(name, models, 'models')}"
            )


def _meant(name: str, known: Collection[str], command: str) -> str:
    """Return which of the ``known`` names may be meant, or the ``command`` that lists them."""
    from difflib import get_close_matches

    nearest = get_close_matches(name[:100], known, n=1)
    return f"Did you mean {nearest[0]!r}?" if nearest else f"`mockserver {command}` lists them."
