"""``/_mock/snapshot``: the state of an account, or of everything, to be restored later or elsewhere."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from mockserver.control import requests as control
from mockserver.control.resettable import parts_of
from mockserver.state.disk import StateFailed
from mockserver.version import __version__

if TYPE_CHECKING:
    import flask

    from mockserver.accounts.accounts import Account
    from mockserver.clock import Clock
    from mockserver.services import Services

VERSION = 1

_MAX_DEPTH = 500  # objects and arrays within each other: it tells of requests, too


def register(app: flask.Flask, services: Services) -> None:
    """Adds ``GET`` and ``PUT /_mock/snapshot``."""
    one_at_a_time = threading.Lock()

    def take() -> flask.Response:
        snapshot = _snapshot(services, control.caller(services))
        _hide_secrets(services, snapshot["state"])
        return control.answer(snapshot)

    def put() -> flask.Response:
        account = control.caller(services)
        with one_at_a_time:
            asked = control.document(
                services, "snapshot", most=services.settings.max_snapshot_bytes, deepest=_MAX_DEPTH
            )
            _check_scope(asked, account)
            _check_stubs(services, asked["state"]["stubs"])
            state = {"models": []} | asked["state"]  # early snapshots have no models
            _restore_all_or_nothing(services, state, account.id if account else None)
        names = [name for name in asked["state"] if name != "clock" or account is None]
        return control.answer({"restored": names, "account": account.key if account else None})

    app.add_url_rule("/_mock/snapshot", "mock_snapshot", take, methods=["GET"])
    app.add_url_rule("/_mock/snapshot", "mock_snapshot_restore", put, methods=["PUT"])


def _snapshot(services: Services, account: Account | None) -> dict[str, Any]:
    return {
        "version": VERSION,
        "server": __version__,
        "scope": _scope(account),
        "state": _state(services, account.id if account else None),
    }


def _hide_secrets(services: Services, state: dict[str, Any]) -> None:
    """Takes API keys out of stubs and faults, which match as before."""
    rows = [*state["stubs"]["stubs"], *state["faults"]["faults"]]
    documents = control.hidden(services, [row["document"] for row in rows])
    for row, document in zip(rows, documents, strict=True):
        row["document"] = document


def _scope(account: Account | None) -> str:
    return "account" if account else "everything"


def _state(services: Services, account_id: str | None, *, store: bool = True) -> dict[str, Any]:
    parts = {name: part for name, part in parts_of(services).items() if store or name != "store"}
    state = {name: part.snapshot(account_id) for name, part in parts.items()}
    return {"clock": services.clock.state()} | state


def _check_scope(asked: dict[str, Any], account: Account | None) -> None:
    """Raises ``ControlError`` for a snapshot of another scope than the call's."""
    if asked["scope"] != _scope(account):
        key = "Send it without an API key." if account else "Send it with the API key of the account to be."
        raise control.ControlError(f"scope: this is a snapshot of the scope {asked['scope']!r}. {key}")


def _check_stubs(services: Services, state: dict[str, Any]) -> None:
    """Raises ``ControlError`` for stubs that no call may add: those that read the server's files."""
    for number, row in enumerate(state["stubs"]):
        try:
            services.stubs.check(row["document"], may_read=False)
        except ValueError as error:
            raise control.ControlError(f"state.stubs.stubs[{number}].document: {error}") from error


def _restore_all_or_nothing(services: Services, state: dict[str, Any], account_id: str | None) -> None:
    """Restores every part. When one cannot be, everything is as before: raises ``ControlError`` or ``StateFailed``.

    The store itself changes nothing when it fails: a snapshot could not bring all of it back.
    """
    before = _state(services, account_id, store=False)
    try:
        _restore(services, state, account_id)
    except (control.ControlError, StateFailed):
        _restore(services, before, account_id)
        raise


def _restore(services: Services, state: dict[str, Any], account_id: str | None) -> None:
    if account_id is None:
        _restore_clock(services.clock, state["clock"])
    parts = dict(parts_of(services))
    parts["store"] = parts.pop("store")  # last: what is worked at in it finds all others as they are to be
    for name, part in parts.items():
        try:
            if name in state:
                part.restore(state[name], account_id)
        except StateFailed:
            raise
        except Exception as error:
            reason = str(error) if isinstance(error, ValueError) else repr(error)
            raise control.ControlError(f"state.{name}: cannot be restored: {reason}") from error


def _restore_clock(clock: Clock, state: dict[str, Any]) -> None:
    clock.set_scale(state["scale"])
    clock.set(state["now"])
    clock.freeze(state["frozen"])
