"""Models that are not of the tables: those of the configuration, and those added while the server runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.catalog.model_rows import configured_card

if TYPE_CHECKING:
    from mockserver.catalog.model_rows import Row
    from mockserver.catalog.records import ModelCard


class OwnModels:
    """Models of one's own, by id. They are the server's: every account has them.

    A reset takes away what was added while the server ran; models of the configuration stay. A snapshot of
    everything holds those that were added.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._configured: dict[str, ModelCard] = {}
        self._added: dict[str, ModelCard] = {}
        self._rows: dict[str, Row] = {}  # of those added, as they were given
        self._known: Mapping[str, Row] = {}
        self.cards: dict[str, ModelCard] = {}  # replaced, never changed

    def add(
        self, row: Mapping[str, Any], known: Mapping[str, Row], where: str, *, configured: bool
    ) -> ModelCard:
        """Adds a model that is like one of the ``known`` rows. Raises ``CatalogError`` telling ``where``."""
        card = configured_card(row, known, where)
        with self._lock:
            self._known = known
            if configured:
                self._configured[card.id] = card
            else:
                self._added[card.id], self._rows[card.id] = card, dict(row)
            self._combine()
        return card

    def remove(self, model_id: str) -> bool:
        """Takes a model away, one of the configuration too; whether there was one."""
        with self._lock:
            found = [cards.pop(model_id, None) for cards in (self._added, self._configured)]
            self._rows.pop(model_id, None)
            self._combine()
        return any(found)

    def reset(self, account_id: str | None) -> None:
        """Takes away what was added; for one account, nothing: models are the server's."""
        if account_id is None:
            with self._lock:
                self._added, self._rows = {}, {}
                self._combine()

    def snapshot(self, account_id: str | None) -> list[Row]:
        """The rows of the models that were added, for ``restore``; of one account, none."""
        with self._lock:
            return [dict(row) for row in self._rows.values()] if account_id is None else []

    def restore(self, state: list[Row], account_id: str | None) -> None:
        """Puts the models of a ``snapshot`` in place of those that were added. Raises ``CatalogError``."""
        if account_id is not None:
            return
        cards = [configured_card(row, self._known, f"models[{i}]") for i, row in enumerate(state)]
        with self._lock:
            self._added = {card.id: card for card in cards}
            self._rows = {card.id: dict(row) for card, row in zip(cards, state, strict=True)}
            self._combine()

    def _combine(self) -> None:
        self.cards = self._configured | self._added
