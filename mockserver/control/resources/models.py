"""``/_mock/models``: adds, shows and removes custom models; shows the card of any model, and the whole catalog.

A call with an API key applies to that account's models, one without a key to those of every account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from mockserver.catalog.tables import CatalogError
from mockserver.control.operation import ControlError, NotFound
from mockserver.pipeline.models import is_retired, today

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.catalog.records import ModelCard
    from mockserver.control.contexts import ModelsContext
    from mockserver.control.operation import Call


def show_all(context: ModelsContext, call: Call) -> dict[str, Any]:
    """Return the models added for the caller or for all accounts, and those of the configuration."""
    own = context.catalog.own_models.cards(call.account_id)
    return {"models": [{"id": card.id, "like": card.like} for card in own.values()]}


def show_catalog(context: ModelsContext, call: Call) -> dict[str, Any]:
    """Return the facts of every model: OpenAI's, custom ones, and those of other providers."""
    catalog, date = context.catalog, today(context.clock)
    own = catalog.own_models.every_card() if call.account is None else ()
    cards = {card.id: card for card in (*own, *catalog.models_of(call.account_id))}
    providers = {listing.model: listing.provider for listing in catalog.listings}
    offers = [_facts(card, date, providers[name], "offer") for name, card in catalog.offers.items()]
    return {
        "models": [*(_facts(card, date) for card in cards.values()), *offers],
        "clock": context.clock.state(),
    }


def _facts(card: ModelCard, date: str, provider: str = "openai", kind: str = "") -> dict[str, Any]:
    """Return what the catalog lists of a model. ``date`` is today by the server's clock."""
    sort = "custom" if card.configured else "snapshot" if card.alias_of else "model"
    return {
        "id": card.id,
        "name": card.name,
        "summary": card.summary,
        "kind": kind or sort,
        "provider": provider,
        "like": card.like if card.configured else None,
        "alias_of": card.alias_of,
        "snapshot": card.snapshot,
        "endpoints": list(card.endpoints),
        "created": card.created or None,
        "shutdown_date": card.shutdown_date,
        "is_shut_down": is_retired(card, date),
        "replacements": list(card.replacements),
        "prices": {name: price for name, price in asdict(card.prices).items() if price is not None}
        if card.prices
        else None,
        "modalities": card.modalities,
        "limit_group": card.limit_group,
        "context_window": card.context_window,
    }


def add(context: ModelsContext, call: Call) -> Mapping[str, Any]:
    """Add a model."""
    try:
        card = context.catalog.own_models.add(call.body, "model", owner=call.account_id)
    except CatalogError as error:
        raise ControlError(str(error).removeprefix("model.")) from error
    return context.catalog.card(card.id, call.account_id)


def remove_all(context: ModelsContext, call: Call) -> dict[str, Any]:
    """Remove the models that were added. Return those that remain."""
    context.catalog.own_models.reset(call.account_id)
    return show_all(context, call)


def show(context: ModelsContext, call: Call) -> Mapping[str, Any]:
    """Return the card of a model."""
    try:
        return context.catalog.card(call.path["name"], call.account_id)
    except KeyError:
        raise NotFound(f"Unknown model {call.path['name']!r}. `mockserver models` lists them.") from None


def remove(context: ModelsContext, call: Call) -> dict[str, Any]:
    """Remove a model that was added."""
    name = call.path["name"]
    if not context.catalog.own_models.remove(name, call.account_id):
        raise NotFound(
            f"No model {name!r} was added for this caller. GET /_mock/models lists those that were."
        )
    return {"deleted": name}
