"""``/_mock/faults``: adds, shows, replaces, switches and removes faults.

A call with an API key applies to that account's faults, one without a key to those of every account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.control.bodies import answer_yaml, wants_yaml
from mockserver.control.operation import (
    ControlError,
    NotFound,
    check_owner,
    check_same_id,
    owner_names,
    without_keys,
)

if TYPE_CHECKING:
    import flask

    from mockserver.control.contexts import FaultsContext
    from mockserver.control.operation import Call
    from mockserver.scripting.faults.registry import Faults, FaultStatus


def show_all(context: FaultsContext, call: Call) -> dict[str, Any]:
    """Return the faults of the caller and those of all accounts."""
    return {"faults": _shown(context, call, *context.faults.visible(call.account_id))}


def add(context: FaultsContext, call: Call) -> dict[str, Any]:
    """Add a fault for the caller, or without an API key for all accounts."""
    return _added(context, call, call.account_id)


def remove_all(context: FaultsContext, call: Call) -> dict[str, Any]:
    """Remove the caller's faults. Return those that remain."""
    context.faults.reset(call.account_id)
    return show_all(context, call)


def show(context: FaultsContext, call: Call) -> dict[str, Any] | flask.Response:
    """Return one fault: as JSON, or its definition as YAML."""
    status = _status(context.faults, call, call.path["id"])
    if wants_yaml(call.request):
        return answer_yaml(_documents(context, call, status)[0])
    return _shown(context, call, status)[0]


def replace(context: FaultsContext, call: Call) -> dict[str, Any]:
    """Replace a fault. It keeps its account."""
    owner = _own(context.faults, call).account_id
    check_same_id(call.body, call.path["id"])
    return _added(context, call, owner)


def switch(context: FaultsContext, call: Call) -> dict[str, Any]:
    """Switch a fault on or off. It keeps its counters."""
    id_ = _own(context.faults, call).fault.id
    context.faults.switch(id_, call.account_id, call.body["enabled"])
    return _shown(context, call, _status(context.faults, call, id_))[0]


def remove(context: FaultsContext, call: Call) -> dict[str, Any]:
    """Remove a fault."""
    context.faults.remove(_own(context.faults, call).fault.id, call.account_id)
    return {"deleted": call.path["id"]}


def _added(context: FaultsContext, call: Call, owner: str | None) -> dict[str, Any]:
    try:
        id_ = context.faults.add(call.body, owner).id
    except ValueError as error:
        raise ControlError(str(error)) from error
    return _shown(context, call, _status(context.faults, call, id_))[0]


def _status(faults: Faults, call: Call, id_: str) -> FaultStatus:
    status = faults.get(id_, call.account_id)
    if status is None:
        raise NotFound(f"Unknown fault {id_!r}. GET /_mock/faults lists them.")
    return status


def _own(faults: Faults, call: Call) -> FaultStatus:
    """Return the fault, which the caller may change: its own, or without an API key any."""
    status = _status(faults, call, call.path["id"])
    check_owner("fault", status.fault.id, status.account_id, call)
    return status


def _shown(context: FaultsContext, call: Call, *statuses: FaultStatus) -> list[dict[str, Any]]:
    return [
        {
            **document,
            "hits": status.hits,
            "seen": status.seen,
            **owner_names(context.accounts, status.account_id, call),
        }
        for status, document in zip(statuses, _documents(context, call, *statuses), strict=True)
    ]


def _documents(context: FaultsContext, call: Call, *statuses: FaultStatus) -> list[dict[str, Any]]:
    """Return the definitions of faults, with their ids and without API keys."""
    documents = [{"id": status.fault.id, **status.fault.document} for status in statuses]
    return without_keys(context.accounts, call.request, documents)
