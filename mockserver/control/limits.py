"""``/_mock/limits`` and ``/_mock/costs``: how full every bucket is, changes to limits, and what it cost.

A call that carries an API key concerns that account, one without a key every account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask

from mockserver.catalog.limit_kinds import KINDS
from mockserver.control import requests as control
from mockserver.control.requests import ControlError
from mockserver.errors import ApiError

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.catalog.records import ModelCard
    from mockserver.services import Services


def register(app: flask.Flask, services: Services) -> None:
    """Adds ``GET``, ``PUT`` and ``DELETE /_mock/limits``, and ``GET`` and ``DELETE /_mock/costs``."""

    def limits() -> flask.Response:
        models = [_model(services, "model", name) for name in flask.request.args.getlist("model")]
        return control.answer(limits_report(services, control.caller(services), models))

    def change_limits() -> flask.Response:
        account, asked = control.caller(services), control.document(services, "limits")
        model = _asked_model(services, asked)
        _change(services, account, model, asked)
        return control.answer(limits_report(services, account, [model] if model else []))

    def reset_limits() -> flask.Response:
        account = control.caller(services)
        services.limiter.reset(account.id if account else None)
        return control.answer(limits_report(services, account, []))

    def costs() -> flask.Response:
        account = control.caller(services)
        return control.answer(costs_report(services, account))

    def reset_costs() -> flask.Response:
        account = control.caller(services)
        services.ledger.reset(account.id if account else None)
        return control.answer(costs_report(services, account))

    for path, method, view in (
        ("limits", "GET", limits),
        ("limits", "PUT", change_limits),
        ("limits", "DELETE", reset_limits),
        ("costs", "GET", costs),
        ("costs", "DELETE", reset_costs),
    ):
        app.add_url_rule(f"/_mock/{path}", f"mock_{path}_{method.lower()}", view, methods=[method])


def limits_report(services: Services, account: Account | None, models: list[ModelCard]) -> dict[str, Any]:
    """The buckets in use of ``account``, or of all that were seen lately, and those of ``models``."""
    in_use = services.limiter.groups_in_use()
    shown = [account] if account else [each for id_ in in_use if (each := services.accounts.known(id_))]
    asked = [model.limit_group for model in models]
    return {
        "accounts": [
            {
                "account": each.key,
                "organization": each.organization,
                "project": each.project,
                "tier": services.limiter.tier_of(each),
                "groups": [
                    {"group": group, "limits": _gauges(services, each, group)}
                    for group in dict.fromkeys((*in_use.get(each.id, ()), *asked))
                ],
            }
            for each in shown
        ],
        "clock": services.clock.state(),
    }


def costs_report(services: Services, account: Account | None) -> dict[str, Any]:
    """What the answered requests would have cost, by account and model. What is not known is ``None``."""
    rows = services.ledger.rows(account.id if account else None)
    known = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    return {
        "rows": [row | _names(services, row["account"]) for row in rows],
        "total_usd": sum(known) if known or not rows else None,
        "requests_of_unknown_cost": sum(row["requests_of_unknown_cost"] for row in rows),
    }


def _names(services: Services, account_id: str) -> dict[str, str | None]:
    """An account as people know it; its redacted API key is told as long as that is remembered."""
    account = services.accounts.known(account_id)
    organization, _, project = account_id.rpartition("/")
    return {"account": account.key if account else None, "organization": organization, "project": project}


def _gauges(services: Services, account: Account, group: str) -> list[dict[str, Any]]:
    """The account's buckets of a limit group; none where its tier may not use the group."""
    try:
        gauges = services.limiter.gauges(account, _model(services, "group", group))
    except ApiError:
        return []
    return [gauge._asdict() for gauge in gauges]


def _change(
    services: Services, account: Account | None, model: ModelCard | None, asked: dict[str, Any]
) -> None:
    """Applies the tier, then the limits, then the level of buckets."""
    limiter, account_id = services.limiter, account.id if account else None
    levelled = "remaining" in asked or asked.get("drain", False)
    if model is None and ("limits" in asked or "kind" in asked or levelled):
        raise ControlError("Missing 'model' or 'group': whose limits to change.")
    if model is not None and not ("limits" in asked or levelled):
        raise ControlError("Missing 'limits', 'remaining' or 'drain': what to change.")
    if "remaining" in asked and ("kind" not in asked or asked.get("drain")):
        raise ControlError("'remaining' goes with 'kind', and not with 'drain'.")
    if model is not None and levelled and account is not None and "kind" in asked:
        _check_kind(services, account, model, asked)
    if "tier" in asked:
        limiter.set_tier(account_id, asked["tier"])
    if model is None:
        return
    if "limits" in asked:
        amounts = {kind: None if n is None else int(n) for kind, n in asked["limits"].items()}
        limiter.override(account_id, model.limit_group, amounts)
    if levelled:
        for kind in [asked["kind"]] if "kind" in asked else KINDS:
            remaining = None if asked.get("drain") else int(asked["remaining"])
            limiter.set_level(account_id, model.limit_group, kind, remaining)


def _check_kind(services: Services, account: Account, model: ModelCard, asked: dict[str, Any]) -> None:
    """Raises ``ControlError``, before anything is changed, unless there will be a limit of the kind."""
    kind, tier = asked["kind"], asked.get("tier") or services.limiter.tier_of(account)
    stated = services.catalog.tier_limits(model.limit_group, tier)
    kinds = {kind for kind, n in asked.get("limits", {}).items() if n is not None}
    kinds |= set(stated.kinds()) if stated else set()
    if "tier" not in asked:
        kinds |= {gauge["kind"] for gauge in _gauges(services, account, model.limit_group)}
    if kind not in kinds - {each for each, n in asked.get("limits", {}).items() if n is None}:
        raise ControlError(f"kind: {model.id} has no {kind} on {tier}. Give it some with 'limits'.")


def _asked_model(services: Services, asked: dict[str, Any]) -> ModelCard | None:
    if "model" in asked and "group" in asked:
        raise ControlError("'model' and 'group' say the same; give one of them.")
    return next((_model(services, name, asked[name]) for name in ("model", "group") if name in asked), None)


def _model(services: Services, argument: str, name: str) -> ModelCard:
    """The model of that name, or any of that limit group: what ``argument`` of a call means."""
    column = "id" if argument == "model" else "limit_group"
    for model in services.catalog.every_model:
        if getattr(model, column) == name:
            return model
    raise ControlError(f"{argument}: there is no {name!r} in the catalog. `mockserver limits` lists them.")
