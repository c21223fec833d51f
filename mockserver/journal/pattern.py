"""The ``when`` of the journal: conditions on a request, and on what became of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mockserver.matching.patterns import Pattern


class JournalPattern(Pattern):
    """A compiled ``when`` of the journal (``schemas/mock/journal_when.json``).

    ``endpoints`` are the names there are. Raises ``PatternError`` for a condition that makes no sense.
    """

    def __init__(self, when: Mapping[str, Any], endpoints: Collection[str] = ()) -> None:
        super().__init__(when, endpoints, "entry")
