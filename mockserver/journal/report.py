"""Reports exchanges as text, with likely mistakes of the code under test: what a failing test shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.journal import verification
from mockserver.journal.findings import findings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mockserver.journal.record import Record

LATEST = 50  # exchanges


def exchanges(records: Sequence[Record], is_known: Callable[[str], bool], latest: int = LATEST) -> str:
    """Return the ``latest`` records as text, followed by the problems of all of them. Empty if there are none.

    ``is_known`` returns whether a model with that id exists for the account, on any usage tier.
    """
    earlier = [f"({len(records) - latest} earlier ones)"] if len(records) > latest else []
    return "\n".join([*earlier, verification.report(records[-latest:]), *findings(records, is_known)])
