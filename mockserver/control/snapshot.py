"""``/_mock/snapshot``: the state of an account, or of everything, to be restored later or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.control.operation import ControlError, without_keys
from mockserver.state.disk import StateFailed
from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.clock import Clock
    from mockserver.control.operation import Call, ControlContext
    from mockserver.scripting.stubs.stubs import Stubs

VERSION = 1
MAX_DEPTH = 500  # objects and arrays within each other: it has requests in it, too


def take(server: ControlContext, call: Call) -> dict[str, Any]:
    """Return the state of the caller's account; without an API key that of everything."""
    state = _state(server, call.account_id)
    _hide_keys(server, call, state)
    return {"version": VERSION, "server": __version__, "scope": _scope(call.account), "state": state}


def restore(server: ControlContext, call: Call) -> dict[str, Any]:
    """Put a snapshot in place of the state of the caller's account, or of everything: all of it, or nothing."""
    account, asked = call.account, call.body
    _check_scope(asked, account)
    _check_stubs(server.stubs, asked["state"]["stubs"])
    state = {"models": []} | asked["state"]  # early snapshots have no models
    _restore_all_or_nothing(server, state, call.account_id)
    names = [name for name in asked["state"] if name != "clock" or account is None]
    return {"restored": names, "account": account.key if account else None}


def _hide_keys(server: ControlContext, call: Call, state: dict[str, Any]) -> None:
    """Take API keys out of stubs and faults, which match as before."""
    rows = [*state["stubs"]["stubs"], *state["faults"]["faults"]]
    documents = without_keys(server.accounts, call.request, [row["document"] for row in rows])
    for row, document in zip(rows, documents, strict=True):
        row["document"] = document


def _scope(account: Account | None) -> str:
    return "account" if account else "everything"


def _state(server: ControlContext, account_id: str | None, *, store: bool = True) -> dict[str, Any]:
    parts = {name: part for name, part in server.resettable.items() if store or name != "store"}
    state = {name: part.snapshot(account_id) for name, part in parts.items()}
    return {"clock": server.clock.state()} | state


def _check_scope(asked: dict[str, Any], account: Account | None) -> None:
    """Raise ``ControlError`` for a snapshot of another scope than the call's."""
    if asked["scope"] != _scope(account):
        key = "Send it without an API key." if account else "Send it with the API key of the account to be."
        raise ControlError(f"scope: this is a snapshot of the scope {asked['scope']!r}. {key}")


def _check_stubs(stubs: Stubs, state: dict[str, Any]) -> None:
    """Raise ``ControlError`` for stubs that no call may add: those that read the server's files."""
    for number, row in enumerate(state["stubs"]):
        try:
            stubs.check(row["document"], may_read=False)
        except ValueError as error:
            raise ControlError(f"state.stubs.stubs[{number}].document: {error}") from error


def _restore_all_or_nothing(server: ControlContext, state: dict[str, Any], account_id: str | None) -> None:
    """Restore every part. When one cannot be, everything is as before: raises ``ControlError`` or ``StateFailed``.

    The store itself changes nothing when it fails: a snapshot could not bring all of it back.
    """
    before = _state(server, account_id, store=False)
    try:
        _restore(server, state, account_id)
    except (ControlError, StateFailed):
        _restore(server, before, account_id)
        raise


def _restore(server: ControlContext, state: dict[str, Any], account_id: str | None) -> None:
    if account_id is None:
        _restore_clock(server.clock, state["clock"])
    parts = dict(server.resettable)
    parts["store"] = parts.pop("store")  # last: what is worked at in it finds all others as they are to be
    for name, part in parts.items():
        try:
            if name in state:
                part.restore(state[name], account_id)
        except StateFailed:
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, ValueError) else repr(error)
            raise ControlError(f"state.{name}: cannot be restored: {reason}") from error


def _restore_clock(clock: Clock, state: dict[str, Any]) -> None:
    clock.set_scale(state["scale"])
    clock.set(state["now"])
    clock.freeze(state["frozen"])
