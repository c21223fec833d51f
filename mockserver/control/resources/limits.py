"""``/_mock/limits`` and ``/_mock/costs``: shows and changes rate limits, shows the levels of buckets and costs.

A call with an API key applies to that account, one without a key to every account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.catalog.limit_kinds import KINDS
from mockserver.control.operation import ControlError, names_of
from mockserver.errors import ApiError

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.catalog.records import ModelCard
    from mockserver.catalog.tables import Catalog
    from mockserver.control.contexts import LimitsContext
    from mockserver.control.operation import Call
    from mockserver.limits.limiter import Limiter


def show_limits(context: LimitsContext, call: Call) -> dict[str, Any]:
    """Return the buckets in use, and those of the models in the query."""
    models = [_model(context.catalog, "model", name) for name in call.query.getlist("model")]
    return _limits(context, call.account, models)


def change_limits(context: LimitsContext, call: Call) -> dict[str, Any]:
    """Change the tier, then the limits, then the level of buckets."""
    model = _asked_model(context.catalog, call.body)
    _check_change(context, call.account, model, call.body)
    _change(context.limiter, call.account_id, model, call.body)
    return _limits(context, call.account, [model] if model else [])


def reset_limits(context: LimitsContext, call: Call) -> dict[str, Any]:
    """Fill all buckets and undo all changes."""
    context.limiter.reset(call.account_id)
    return _limits(context, call.account, [])


def show_costs(context: LimitsContext, call: Call) -> dict[str, Any]:
    """Return the costs of the answered requests by account and model; unknown ones are ``None``."""
    rows = context.ledger.rows(call.account_id)
    known = [row["cost_usd"] for row in rows if row["cost_usd"] is not None]
    return {
        "rows": [row | names_of(context.accounts, row["account"]) for row in rows],
        "total_usd": sum(known) if known or not rows else None,
        "requests_of_unknown_cost": sum(row["requests_of_unknown_cost"] for row in rows),
    }


def reset_costs(context: LimitsContext, call: Call) -> dict[str, Any]:
    """Reset the costs."""
    context.ledger.reset(call.account_id)
    return show_costs(context, call)


def _limits(context: LimitsContext, account: Account | None, models: list[ModelCard]) -> dict[str, Any]:
    """Return the buckets in use of ``account``, or of all recent accounts, and those of ``models``."""
    in_use = context.limiter.groups_in_use()
    shown = [account] if account else [each for id_ in in_use if (each := context.accounts.known(id_))]
    asked = [model.limit_group for model in models]
    return {
        "accounts": [
            {
                "account": each.key,
                "organization": each.organization,
                "project": each.project,
                "tier": context.limiter.policy.tier_of(each),
                "groups": [
                    {"group": group, "limits": _gauges(context.limiter, context.catalog, each, group)}
                    for group in dict.fromkeys((*in_use.get(each.id, ()), *asked))
                ],
            }
            for each in shown
        ],
        "clock": context.clock.state(),
    }


def _gauges(limiter: Limiter, catalog: Catalog, account: Account, group: str) -> list[dict[str, Any]]:
    """Return the account's buckets of a limit group; none if its tier has no access to the group."""
    try:
        gauges = limiter.gauges(account, _model(catalog, "group", group))
    except ApiError:
        return []
    return [gauge._asdict() for gauge in gauges]


def _check_change(
    context: LimitsContext, account: Account | None, model: ModelCard | None, asked: dict[str, Any]
) -> None:
    """Raise ``ControlError`` for an invalid combination of members."""
    levelled = _is_levelled(asked)
    if model is None and ("limits" in asked or "kind" in asked or levelled):
        raise ControlError("Missing 'model' or 'group'. Send one to name the limits to change.")
    if model is not None and not ("limits" in asked or levelled):
        raise ControlError("Missing 'limits', 'remaining' or 'drain'. Send one to say what to change.")
    if "remaining" in asked and ("kind" not in asked or asked.get("drain")):
        raise ControlError("'remaining' requires 'kind', and excludes 'drain'.")
    if model is not None and levelled and account is not None and "kind" in asked:
        _check_kind(context, account, model, asked)


def _change(limiter: Limiter, account_id: str | None, model: ModelCard | None, asked: dict[str, Any]) -> None:
    """Apply the tier, then the limits, then the level of buckets."""
    if "tier" in asked:
        limiter.policy.set_tier(account_id, asked["tier"])
    if model is None:
        return
    if "limits" in asked:
        amounts = {kind: None if n is None else int(n) for kind, n in asked["limits"].items()}
        limiter.policy.override(account_id, model.limit_group, amounts)
    if _is_levelled(asked):
        for kind in [asked["kind"]] if "kind" in asked else KINDS:
            remaining = None if asked.get("drain") else int(asked["remaining"])
            limiter.set_level(account_id, model.limit_group, kind, remaining)


def _is_levelled(asked: dict[str, Any]) -> bool:
    return "remaining" in asked or asked.get("drain", False)


def _check_kind(context: LimitsContext, account: Account, model: ModelCard, asked: dict[str, Any]) -> None:
    """Raise ``ControlError`` unless a limit of that kind will exist."""
    kind, tier = asked["kind"], asked.get("tier") or context.limiter.policy.tier_of(account)
    stated = context.catalog.tier_limits(model.limit_group, tier)
    kinds = {kind for kind, n in asked.get("limits", {}).items() if n is not None}
    kinds |= set(stated.kinds()) if stated else set()
    if "tier" not in asked:
        gauges = _gauges(context.limiter, context.catalog, account, model.limit_group)
        kinds |= {gauge["kind"] for gauge in gauges}
    if kind not in kinds - {each for each, n in asked.get("limits", {}).items() if n is None}:
        raise ControlError(f"kind: {model.id} has no {kind} on {tier}. Set it with 'limits'.")


def _asked_model(catalog: Catalog, asked: dict[str, Any]) -> ModelCard | None:
    if "model" in asked and "group" in asked:
        raise ControlError("'model' and 'group' exclude each other. Send one of them.")
    return next((_model(catalog, name, asked[name]) for name in ("model", "group") if name in asked), None)


def _model(catalog: Catalog, argument: str, name: str) -> ModelCard:
    """Return the model with that id, or any model of that limit group if ``argument`` is ``group``."""
    column = "id" if argument == "model" else "limit_group"
    for model in catalog.every_model:
        if getattr(model, column) == name:
            return model
    raise ControlError(f"{argument}: unknown {argument} {name!r}. `mockserver limits` lists them.")
