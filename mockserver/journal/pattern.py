"""Patterns of journal entries: conditions on a request and its answer."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from mockserver.matching.patterns import Pattern


class JournalPattern(Pattern):
    """A compiled ``when`` of the journal (``schemas/mock/journal_when.json``).

    ``endpoints`` are the known names. Raises ``PatternError`` for an invalid condition.
    """

    def __init__(self, when: Mapping[str, Any], endpoints: Collection[str] = ()) -> None:
        super().__init__(when, endpoints, "entry")
