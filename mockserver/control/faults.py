"""``/_mock/faults``: what goes wrong, to add, look at, change and remove.

A call that carries an API key concerns that account's faults, one without a key those of every account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.control import requests as control
from mockserver.control.requests import ControlError, NotFound

if TYPE_CHECKING:
    import flask

    from mockserver.scripting.faults.registry import FaultStatus
    from mockserver.services import Services


def register(app: flask.Flask, services: Services) -> None:
    """Adds the views."""
    faults = services.faults

    def add() -> flask.Response:
        account_id = control.account_id(services)
        id_ = _put(services, control.document(services, "fault"), account_id)
        return control.answer(_described(services, _status(services, id_))[0], 201)

    def listed() -> flask.Response:
        statuses = faults.visible(control.account_id(services))
        return control.answer({"faults": _described(services, *statuses)})

    def remove_all() -> flask.Response:
        faults.reset(control.account_id(services))
        return listed()

    def one(id: str) -> flask.Response:  # noqa: A002 - of the URL
        return control.answer(_described(services, _status(services, id))[0])

    def replace(id: str) -> flask.Response:  # noqa: A002
        owner = _own(services, id).account_id
        document = control.document(services, "fault")
        if document.setdefault("id", id) != id:
            raise ControlError(f"id: is not that of the URL ({id!r}). Leave it out.")
        _put(services, document, owner)
        return one(id)

    def remove(id: str) -> flask.Response:  # noqa: A002
        faults.remove(_own(services, id).fault.id, control.account_id(services))
        return control.answer({"deleted": id})

    for path, method, view in (
        ("faults", "POST", add),
        ("faults", "GET", listed),
        ("faults", "DELETE", remove_all),
        ("faults/<path:id>", "GET", one),
        ("faults/<path:id>", "PUT", replace),
        ("faults/<path:id>", "DELETE", remove),
    ):
        app.add_url_rule(f"/_mock/{path}", f"mock_{view.__name__}_faults", view, methods=[method])


def _put(services: Services, document: dict[str, Any], account_id: str | None) -> str:
    try:
        return services.faults.add(document, account_id).id
    except ValueError as error:
        raise ControlError(str(error)) from error


def _status(services: Services, id_: str) -> FaultStatus:
    status = services.faults.get(id_, control.account_id(services))
    if status is None:
        raise NotFound(f"There is no fault {id_!r}.")
    return status


def _own(services: Services, id_: str) -> FaultStatus:
    """A fault that the caller may change: its own, or any without a key."""
    status = _status(services, id_)
    if control.account_id(services) not in (None, status.account_id):
        raise NotFound(f"The fault {id_!r} is of all accounts. Leave the API key out to change it.")
    return status


def _described(services: Services, *statuses: FaultStatus) -> list[dict[str, Any]]:
    faults = [status.fault for status in statuses]
    documents = control.hidden(services, [{"id": fault.id, **fault.document} for fault in faults])
    return [
        {**document, "hits": status.hits, "seen": status.seen}
        for status, document in zip(statuses, documents, strict=True)
    ]
