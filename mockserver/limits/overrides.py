"""Limits written as text: ``requests_per_minute=3, tokens_per_minute=none``."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from mockserver.limits.kinds import KINDS, QUEUE_KINDS
from mockserver.settings import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.catalog.tables import Catalog
    from mockserver.settings import AccountRow, LimitRow

OBSERVED = "observed"
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
        if name not in _NAMES:
            raise ValueError(f"{name!r} is not one of {', '.join(_NAMES)}, or {OBSERVED}")
        if amount == "none":
            overrides[name] = None
        elif amount.isascii() and amount.isdigit() and int(amount) > 0:
            overrides[name] = int(amount)
        else:
            raise ValueError(f"{name}={amount!r} is neither a whole number above 0 nor none")
    return overrides


def check_limits(
    limit_rows: Iterable[LimitRow], accounts: Iterable[AccountRow], catalog: Catalog, source: str = ""
) -> None:
    """Raises ``SettingsError`` for a limit group that there is not, telling the ``source`` of the rows."""
    rows = [("", row) for row in limit_rows]
    rows += [(f"accounts[{i}].", row) for i, each in enumerate(accounts) for row in each.limits]
    groups = sorted({model.limit_group for model in catalog.every_model}) if rows else []
    for place, row in rows:
        if row.group not in groups:
            from difflib import get_close_matches

            nearest = get_close_matches(row.group, groups, n=1)
            hint = f"Did you mean {nearest[0]!r}?" if nearest else "`mockserver limits` lists the groups."
            raise SettingsError(f"{source}{place}limits.{row.group}: there is no such limit group. {hint}")
