"""``/_mock/models``: adds, shows and removes models of tests; shows the card of any model.

A call that carries an API key concerns that account's models, one without a key those of every account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.catalog.tables import CatalogError
from mockserver.control import requests as control
from mockserver.control.requests import ControlError, NotFound

if TYPE_CHECKING:
    import flask

    from mockserver.services import Services


def register(app: flask.Flask, services: Services) -> None:
    """Adds the views."""
    catalog = services.catalog

    def listed() -> flask.Response:
        own = catalog.own_models.cards(control.account_id(services))
        return control.answer({"models": [{"id": card.id, "like": card.like} for card in own.values()]})

    def add() -> flask.Response:
        owner, asked = control.account_id(services), control.document(services, "model")
        try:
            card = catalog.own_models.add(asked, "model", owner=owner)
        except CatalogError as error:
            raise ControlError(str(error).removeprefix("model.")) from error
        return control.answer(catalog.card(card.id, owner), 201)

    def remove_all() -> flask.Response:
        catalog.own_models.reset(control.account_id(services))
        return listed()

    def one(name: str) -> flask.Response:
        try:
            return control.answer(catalog.card(name, control.account_id(services)))
        except KeyError:
            raise NotFound(f"There is no model {name!r} in the catalog.") from None

    def remove(name: str) -> flask.Response:
        if not catalog.own_models.remove(name, control.account_id(services)):
            raise NotFound(f"The caller has added no model {name!r}.")
        return control.answer({"deleted": name})

    for path, method, view in (
        ("models", "GET", listed),
        ("models", "POST", add),
        ("models", "DELETE", remove_all),
        ("models/<path:name>", "GET", one),
        ("models/<path:name>", "DELETE", remove),
    ):
        name = f"mock_models_{view.__name__}"
        app.add_url_rule(f"/_mock/{path}", name, view, methods=[method])
