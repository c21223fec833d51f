"""``/_mock/snapshot`` and ``/_mock/reset``: returns, restores and resets the state of an account or of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.control.operation import ControlError, without_keys
from mockserver.server_state import CLOCK, NotRestored
from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.control.contexts import SnapshotContext
    from mockserver.control.operation import Call
    from mockserver.scripting.stubs.stubs import Stubs

VERSION = 1
SPOKEN = "spoken"  # the remembered speech, which has no account
MAX_DEPTH = 500  # nested objects and arrays; snapshots contain requests


def take(context: SnapshotContext, call: Call) -> dict[str, Any]:
    """Return the state of the caller's account, or without an API key of the whole server."""
    state = context.server_state.snapshot(call.account_id)
    _hide_keys(context, call, state)
    return {"version": VERSION, "server": __version__, "scope": _scope(call.account), "state": state}


def restore(context: SnapshotContext, call: Call) -> dict[str, Any]:
    """Replace the state of the caller's account, or of the whole server, by a snapshot: entirely or not at all."""
    account, asked = call.account, call.body
    _check_scope(asked, account)
    _check_stubs(context.stubs, asked["state"]["stubs"])
    state = {"models": []} | asked["state"]  # early snapshots have no models
    try:
        context.server_state.restore(state, call.account_id)
    except NotRestored as error:
        raise ControlError(f"state.{error.part}: cannot be restored: {error}") from error
    names = [name for name in asked["state"] if name != "clock" or account is None]
    return {"restored": names, "account": account.key if account else None}


def reset(context: SnapshotContext, call: Call) -> dict[str, Any]:
    """Reset the named parts; without names all parts, or with an API key all parts of the account."""
    parts = context.server_state.names
    names = call.body.get("what") or [*parts, *(() if call.account else (SPOKEN, CLOCK))]
    context.server_state.reset(call.account_id, names)
    if SPOKEN in names:
        context.spoken.forget()
    return {"reset": names, "account": call.account.key if call.account else None}


def _hide_keys(context: SnapshotContext, call: Call, state: dict[str, Any]) -> None:
    """Remove API keys from stubs and faults, which match the same requests."""
    rows = [*state["stubs"]["stubs"], *state["faults"]["faults"]]
    documents = without_keys(context.accounts, call.request, [row["document"] for row in rows])
    for row, document in zip(rows, documents, strict=True):
        row["document"] = document


def _scope(account: Account | None) -> str:
    return "account" if account else "everything"


def _check_scope(asked: dict[str, Any], account: Account | None) -> None:
    """Raise ``ControlError`` for a snapshot of another scope than the call's."""
    if asked["scope"] != _scope(account):
        key = (
            "Send it without an API key."
            if account
            else "Send it with the API key of the account to restore."
        )
        raise ControlError(f"scope: the snapshot has the scope {asked['scope']!r}. {key}")


def _check_stubs(stubs: Stubs, state: dict[str, Any]) -> None:
    """Raise ``ControlError`` for stubs that the control API cannot add, such as those that read the server's files."""
    for number, row in enumerate(state["stubs"]):
        try:
            stubs.check(row["document"], may_read=False)
        except ValueError as error:
            raise ControlError(f"state.stubs.stubs[{number}].document: {error}") from error
