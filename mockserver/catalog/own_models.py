"""Custom models: models of the configuration, and models added while the server runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.catalog.model_rows import card_of, configured_row
from mockserver.replicas import Replicated, replicated

if TYPE_CHECKING:
    from mockserver.catalog.model_rows import Row
    from mockserver.catalog.records import ModelCard

Owner = str | None  # an account id; ``None`` for all accounts


def how_to_add(model_id: str) -> str:
    """Return the remedy for a call of a model that the catalog lacks."""
    return (
        f"The catalog of this mock server has no model {model_id!r}. If the real API has it, say which model it is "
        f"like: audio_api.add_model({model_id!r}, like=...), or [[models]] in mockserver.toml."
    )


class OwnModels(Replicated):
    """Custom models by account and id. Thread-safe.

    Models of the configuration belong to all accounts and survive a reset. Models that are added while the server runs
    belong to one account, or to all.
    """

    def __init__(self, tables: Callable[[], Mapping[str, Row]]) -> None:
        """Create it without models. ``tables`` returns the complete rows of the tables."""
        self._lock = threading.Lock()
        self._tables = tables
        self._configured: dict[str, Row] = {}
        self._added: dict[Owner, dict[str, Row]] = {}
        self._given: dict[Owner, dict[str, Row]] = {}  # the added models, as the user gave them
        self._deleted: dict[Owner, set[str]] = {}  # the models that requests have deleted
        self._cards: dict[Owner, dict[str, ModelCard]] = {}

    def cards(self, owner: Owner) -> Mapping[str, ModelCard]:
        """Return the models of an account, including those of all accounts."""
        if not self._configured and not self._added:
            return {}
        with self._lock:
            if owner not in self._cards:
                deleted = self._deleted.get(owner, ())
                rows = self._rows(owner).items()
                self._cards[owner] = {name: card_of(row, name) for name, row in rows if name not in deleted}
            return self._cards[owner]

    def every_card(self) -> list[ModelCard]:
        """Return the custom models of all owners."""
        return [card for owner in (None, *self._added) for card in self.cards(owner).values()]

    @replicated
    def add(self, row: Row, where: str, *, owner: Owner = None, configured: bool = False) -> ModelCard:
        """Add a model that is like a model of the tables or of the owner. Raises ``CatalogError`` naming ``where``."""
        with self._lock:
            complete = configured_row(row, {**self._tables(), **self._rows(owner)}, where)
            card = card_of(complete, where, separator=".")
            if configured:
                self._configured[card.id] = complete
            else:
                self._put(owner, complete, row)
            self._cards = {}
        return card

    @replicated
    def remove(self, model_id: str, owner: Owner) -> bool:
        """Remove an owner's model; for ``None``, also a model of the configuration. Return whether there was one."""
        with self._lock:
            found = self._added.get(owner, {}).pop(model_id, None)
            self._given.get(owner, {}).pop(model_id, None)
            if found is None and owner is None:
                found = self._configured.pop(model_id, None)
            self._cards = {}
        return found is not None

    @replicated
    def delete(self, model_id: str, account_id: str) -> None:
        """Hide a model from one account until a reset."""
        with self._lock:
            self._deleted.setdefault(account_id, set()).add(model_id)
            self._cards = {}

    @replicated
    def reset(self, account_id: str | None) -> None:
        """Remove the models that were added for an account; for ``None``, all added models."""
        with self._lock:
            self._forget(account_id)

    def snapshot(self, account_id: str | None) -> list[Row]:
        """Return the models that were added for an account, or all, as rows for ``restore``."""
        with self._lock:
            return [
                {"account": owner if account_id is None else None, "model": dict(row)}
                for owner, rows in self._given.items()
                for row in rows.values()
                if account_id in (None, owner)
            ]

    @replicated
    def restore(self, state: list[Row], account_id: str | None) -> None:
        """Replace the added models with those of a ``snapshot``. Raises ``CatalogError`` and then changes nothing."""
        with self._lock:
            self._restore(state, account_id)

    def replica_state(self) -> dict[str, Any]:
        """Return the models that were added, and the names of those of the configuration and of deleted ones."""
        added = self.snapshot(None)
        with self._lock:
            deleted = [[owner, sorted(names)] for owner, names in self._deleted.items()]
            return {"added": added, "configured": list(self._configured), "deleted": deleted}

    def set_replica_state(self, state: dict[str, Any]) -> None:
        """Have the models that were added, and delete those that were deleted."""
        with self._lock:
            self._configured = {
                name: row for name, row in self._configured.items() if name in state["configured"]
            }
            self._restore(state["added"], None)
            self._deleted = {owner: set(names) for owner, names in state["deleted"]}

    def _restore(self, state: list[Row], account_id: str | None) -> None:
        before = self._added, self._given
        self._added, self._given = dict(self._added), dict(self._given)
        self._forget(account_id)
        try:
            for number, each in enumerate(state):
                owner = account_id or each["account"]
                where = f"models[{number}].model"
                complete = configured_row(each["model"], {**self._tables(), **self._rows(owner)}, where)
                card_of(complete, where, separator=".")
                self._put(owner, complete, each["model"])
        except BaseException:
            self._added, self._given = before
            raise

    def _put(self, owner: Owner, complete: Row, given: Row) -> None:
        self._added.setdefault(owner, {})[complete["id"]] = complete
        self._given.setdefault(owner, {})[complete["id"]] = dict(given)

    def _forget(self, account_id: str | None) -> None:
        if account_id is None:
            self._added, self._given, self._deleted = {}, {}, {}
        else:
            for part in (self._added, self._given, self._deleted):
                part.pop(account_id, None)
        self._cards = {}

    def _rows(self, owner: Owner) -> dict[str, Row]:
        of_one = self._added.get(owner, {}) if owner is not None else {}
        return self._configured | self._added.get(None, {}) | of_one
