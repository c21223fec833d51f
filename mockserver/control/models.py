"""``/_mock/models``: adds, shows and removes custom models; shows the card of any model.

A call with an API key applies to that account's models, one without a key to those of every account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.catalog.tables import CatalogError
from mockserver.control.operation import ControlError, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.control.contexts import ModelsContext
    from mockserver.control.operation import Call


def show_all(context: ModelsContext, call: Call) -> dict[str, Any]:
    """Return the models added for the caller or for all accounts, and those of the configuration."""
    own = context.catalog.own_models.cards(call.account_id)
    return {"models": [{"id": card.id, "like": card.like} for card in own.values()]}


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
