"""``/_mock/stubs`` and ``/_mock/scenarios``: scripted answers, to add, look at, change and remove.

A call that carries an API key concerns that account's stubs, one without a key those of every account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.control import requests as control
from mockserver.control.requests import ControlError, NotFound
from mockserver.scripting.stubs.registry import STARTED

if TYPE_CHECKING:
    import flask

    from mockserver.scripting.stubs.stub import Stub
    from mockserver.services import Services


def register(app: flask.Flask, services: Services) -> None:
    """Adds the views."""

    def add() -> flask.Response:
        return control.answer(_described(services, _add(services, control.account_id(services)))[0], 201)

    def listed() -> flask.Response:
        account_id = control.account_id(services)
        return control.answer({"stubs": _described(services, *services.stubs.visible(account_id))})

    def remove_all() -> flask.Response:
        services.stubs.reset(control.account_id(services))
        return listed()

    def one(id: str) -> flask.Response:  # noqa: A002 - of the URL
        return control.answer(_described(services, _stub(services, id))[0])

    def replace(id: str) -> flask.Response:  # noqa: A002
        owner = _own(services, id).account_id
        return control.answer(_described(services, _add(services, owner, id))[0])

    def remove(id: str) -> flask.Response:  # noqa: A002
        services.stubs.remove(_own(services, id).id, control.account_id(services))
        return control.answer({"deleted": id})

    for path, method, view in (
        ("stubs", "POST", add),
        ("stubs", "GET", listed),
        ("stubs", "DELETE", remove_all),
        ("stubs/<path:id>", "GET", one),
        ("stubs/<path:id>", "PUT", replace),
        ("stubs/<path:id>", "DELETE", remove),
    ):
        name = f"mock_{view.__name__}_{path.partition('/')[0]}"
        app.add_url_rule(f"/_mock/{path}", name, view, methods=[method])
    _register_scenarios(app, services)


def _register_scenarios(app: flask.Flask, services: Services) -> None:
    def scenarios() -> flask.Response:
        return control.answer({"scenarios": services.stubs.scenarios(_account_id(services))})

    def set_scenario(name: str) -> flask.Response:
        asked = control.document(services, "scenario")
        services.stubs.set_scenario(_account_id(services), name, asked.get("state", STARTED))
        return scenarios()

    app.add_url_rule("/_mock/scenarios", "mock_scenarios", scenarios, methods=["GET"])
    app.add_url_rule("/_mock/scenarios/<name>", "mock_set_scenario", set_scenario, methods=["PUT"])


def _account_id(services: Services) -> str:
    account_id = control.account_id(services)
    if account_id is None:
        raise ControlError("Authorization: every account has scenarios of its own; send the API key of one.")
    return account_id


def _add(services: Services, account_id: str | None, id_: str | None = None) -> Stub:
    document = control.document(services, "stub", most=services.settings.max_stub_bytes)
    if id_ is not None and document.setdefault("id", id_) != id_:
        raise ControlError(f"id: is not that of the URL ({id_!r}). Leave it out.")
    try:
        return services.stubs.add(document, account_id)
    except ValueError as error:
        raise ControlError(str(error)) from error


def _stub(services: Services, id_: str) -> Stub:
    stub = services.stubs.get(id_, control.account_id(services))
    if stub is None:
        raise NotFound(f"There is no stub {id_!r}.")
    return stub


def _own(services: Services, id_: str) -> Stub:
    """A stub that the caller may change: its own, or any without a key."""
    stub = _stub(services, id_)
    if control.account_id(services) not in (None, stub.account_id):
        raise NotFound(f"The stub {id_!r} is of all accounts. Leave the API key out to change it.")
    return stub


def _described(services: Services, *stubs: Stub) -> list[dict[str, Any]]:
    account_id = control.account_id(services)
    documents = control.hidden(services, [{"id": stub.id, **stub.document} for stub in stubs])
    return [
        {
            **document,
            "used": services.stubs.used(stub, account_id),
            **({"source": stub.source} if stub.source else {}),
        }
        for stub, document in zip(stubs, documents, strict=True)
    ]
