"""``/_mock/stubs`` and ``/_mock/scenarios``: adds, shows, replaces, switches and removes stubs; sets scenarios.

A call with an API key applies to that account's stubs, one without a key to those of every account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.control.bodies import answer_yaml, wants_yaml
from mockserver.control.operation import (
    ControlError,
    NotFound,
    check_owner,
    check_same_id,
    names_of,
    owner_names,
    without_keys,
)
from mockserver.scripting.stubs.use import STARTED
from mockserver.scripting.switching import switched

if TYPE_CHECKING:
    import flask

    from mockserver.control.contexts import StubsContext
    from mockserver.control.operation import Call
    from mockserver.scripting.stubs.stub import Stub
    from mockserver.scripting.stubs.stubs import Stubs


def show_all(context: StubsContext, call: Call) -> dict[str, Any]:
    """Return the stubs of the caller and those of all accounts."""
    return {"stubs": _shown(context, call, *context.stubs.visible(call.account_id))}


def add(context: StubsContext, call: Call) -> dict[str, Any]:
    """Add a stub for the caller, or without an API key for all accounts."""
    return _shown(context, call, _add(context.stubs, call.body, call.account_id))[0]


def remove_all(context: StubsContext, call: Call) -> dict[str, Any]:
    """Remove the caller's stubs. Return those that remain."""
    context.stubs.reset(call.account_id)
    return show_all(context, call)


def show(context: StubsContext, call: Call) -> dict[str, Any] | flask.Response:
    """Return one stub: as JSON, or its definition as YAML."""
    stub = _stub(context.stubs, call)
    if wants_yaml(call.request):
        return answer_yaml(_documents(context, call, stub)[0])
    return _shown(context, call, stub)[0]


def replace(context: StubsContext, call: Call) -> dict[str, Any]:
    """Replace a stub. It keeps its account."""
    owner = _own(context.stubs, call).account_id
    check_same_id(call.body, call.path["id"])
    return _shown(context, call, _add(context.stubs, call.body, owner))[0]


def switch(context: StubsContext, call: Call) -> dict[str, Any]:
    """Switch a stub on or off. It keeps its counters."""
    context.stubs.switch(_own(context.stubs, call).id, call.account_id, call.body["enabled"])
    return _shown(context, call, _stub(context.stubs, call))[0]


def remove(context: StubsContext, call: Call) -> dict[str, Any]:
    """Remove a stub."""
    context.stubs.remove(_own(context.stubs, call).id, call.account_id)
    return {"deleted": call.path["id"]}


def show_scenarios(context: StubsContext, call: Call) -> dict[str, Any]:
    """Return the states of the caller's scenarios, or without an API key those of every account with stubs in use."""
    if call.account_id is not None:
        return {"scenarios": context.stubs.use.scenarios(call.account_id)}
    return {
        "accounts": [
            {**names_of(context.accounts, id_), "scenarios": states}
            for id_, states in context.stubs.use.all_scenarios().items()
        ]
    }


def set_scenario(context: StubsContext, call: Call) -> dict[str, Any]:
    """Set the state of a scenario of the caller."""
    account_id = _account_of(call)
    context.stubs.set_scenario(account_id, call.path["name"], call.body.get("state", STARTED))
    return {"scenarios": context.stubs.use.scenarios(account_id)}


def _account_of(call: Call) -> str:
    if call.account_id is None:
        raise ControlError(
            "Authorization: a state belongs to an account. Send its API key, or its project in x-mock-account."
        )
    return call.account_id


def _add(stubs: Stubs, document: dict[str, Any], account_id: str | None) -> Stub:
    try:
        return stubs.add(document, account_id)
    except ValueError as error:
        raise ControlError(str(error)) from error


def _stub(stubs: Stubs, call: Call) -> Stub:
    stub = stubs.get(call.path["id"], call.account_id)
    if stub is None:
        raise NotFound(f"Unknown stub {call.path['id']!r}. GET /_mock/stubs lists them.")
    return stub


def _own(stubs: Stubs, call: Call) -> Stub:
    """Return the stub, which the caller may change: its own, or without an API key any."""
    stub = _stub(stubs, call)
    check_owner("stub", stub.id, stub.account_id, call)
    return stub


def _shown(context: StubsContext, call: Call, *stubs: Stub) -> list[dict[str, Any]]:
    used = context.stubs.use.all_used(call.account_id)
    return [
        {
            **document,
            "used": used[stub.counter],
            **({"source": stub.source} if stub.source else {}),
            **owner_names(context.accounts, stub.account_id, call),
        }
        for stub, document in zip(stubs, _documents(context, call, *stubs), strict=True)
    ]


def _documents(context: StubsContext, call: Call, *stubs: Stub) -> list[dict[str, Any]]:
    """Return the definitions of stubs, with their ids and without API keys."""
    documents = [switched({"id": stub.id, **stub.document}, stub.enabled) for stub in stubs]
    return without_keys(context.accounts, call.request, documents)
