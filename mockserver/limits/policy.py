"""Decides which rate limits apply to an account on a model, from several layers.

From the lowest to the highest: the tables of the tier (documented or observed), the limits of the settings, those of
the account's row, changes for all accounts, changes for the account, and the request's setting ``limits``.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.catalog.limit_kinds import ENQUEUED_TOKENS, KINDS
from mockserver.errors import ApiError
from mockserver.replicas import Replicated, replicated
from mockserver.settings.limit_overrides import parse_overrides, wants_observed
from mockserver.settings.loading import check_limits
from mockserver.state.bucket import Limit

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.catalog.records import ModelCard, TierLimits
    from mockserver.catalog.tables import Catalog
    from mockserver.settings.model import Settings

Overrides = Mapping[str, int | None]

_MAX_RESOLVED = 4096  # cached results; the cache is cleared when there are more


class Policy(Replicated):
    """The limits of all accounts, with the changes of the control API. Thread-safe.

    Raises ``SettingsError`` if the settings name unknown limits.
    """

    def __init__(self, catalog: Catalog, settings: Settings) -> None:
        check_limits(settings.limit_rows, settings.accounts, catalog)
        self._catalog = catalog
        self._settings = settings
        self._rows = (
            *settings.limit_rows,
            *(row.limit_row for row in settings.deployments if row.limits),
        )
        self._lock = threading.Lock()
        self._tiers: dict[str | None, str] = {}  # by account; ``None`` is every account without a row
        self._limits: dict[tuple[str | None, str], dict[str, int | None]] = {}  # by account and limit group
        self._resolved: dict[tuple[object, ...], dict[str, Limit]] = {}

    def limits(self, account: Account, model: ModelCard, overrides: str = "") -> Mapping[str, Limit]:
        """Return the limits of an account on a model, by kind. Raises ``ApiError`` if the tier may not use it."""
        tier = self.tier_of(account)
        key = (account.id, account.limits, model.limit_group, model.sees_images, tier, overrides)
        resolved = self._resolved.get(key)
        if resolved is None:
            with self._lock:
                amounts = self._amounts(account, model, tier, overrides)
                resolved = {
                    kind.name: Limit(amount, kind.window)
                    for kind in KINDS.values()
                    if (amount := amounts.get(kind.name)) is not None
                }
                if len(self._resolved) > _MAX_RESOLVED:
                    self._resolved.clear()
                self._resolved[key] = resolved
        return resolved

    def amounts(self, account: Account, model: ModelCard, overrides: str = "") -> dict[str, int]:
        """Return all limits of an account on a model, including the batch queue's, by kind.

        Raises ``ApiError`` if the tier may not use the model.
        """
        amounts = self._locked_amounts(account, model, overrides)
        return {kind: amount for kind, amount in amounts.items() if amount is not None}

    def queue_limit(self, account: Account, model: ModelCard, overrides: str = "") -> int | None:
        """Return the maximum number of tokens in the batch queue; ``None`` if it is unlimited.

        For a tier without a queue it is 0, if other tiers have a queue. Raises ``ApiError`` as ``amounts`` does.
        """
        amounts = self._locked_amounts(account, model, overrides)
        if ENQUEUED_TOKENS in amounts:
            return amounts[ENQUEUED_TOKENS]
        stated = [self._catalog.tier_limits(model.limit_group, each) for each in self._catalog.tiers]
        return 0 if any(each and each.enqueued_tokens for each in stated) else None

    def tier_of(self, account: Account) -> str:
        """Return the account's current tier."""
        return self._tiers.get(account.id) or self._tiers.get(None) or account.tier

    @replicated
    def set_tier(self, account_id: str | None, tier: str) -> None:
        """Move an account to another tier; without an account, all accounts that were not moved individually."""
        with self._lock:
            self._tiers[account_id] = tier
            self._resolved.clear()

    @replicated
    def override(self, account_id: str | None, group: str, limits: Overrides) -> None:
        """Change limits of a group for an account, or for all. A limit of ``None`` is removed."""
        with self._lock:
            self._limits.setdefault((account_id, group), {}).update(limits)
            self._resolved.clear()

    @replicated
    def forget(self, account_id: str | None) -> None:
        """Undo the changes for an account, or all."""
        with self._lock:
            self._forget(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return the changes for an account, or all, as rows for ``restore``."""
        everything = account_id is None
        with self._lock:
            return {
                "tiers": [
                    {"account": account if everything else None, "tier": tier}
                    for account, tier in self._tiers.items()
                    if everything or account == account_id
                ],
                "limits": [
                    {"account": account if everything else None, "group": group, "limits": dict(amounts)}
                    for (account, group), amounts in self._limits.items()
                    if everything or account == account_id
                ],
            }

    @replicated
    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the changes for an account, or all, with those of a ``snapshot``."""
        with self._lock:
            self._restore(state, account_id)

    def replica_state(self) -> dict[str, Any]:
        """Return the changes for all accounts."""
        return self.snapshot(None)

    def set_replica_state(self, state: Mapping[str, Any]) -> None:
        """Replace the changes for all accounts."""
        with self._lock:
            self._restore(state, None)

    def _restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        self._forget(account_id)
        for row in state["tiers"]:
            self._tiers[account_id or row["account"]] = row["tier"]
        for row in state["limits"]:
            self._limits[account_id or row["account"], row["group"]] = dict(row["limits"])

    def _forget(self, account_id: str | None) -> None:
        self._tiers = {k: v for k, v in self._tiers.items() if account_id not in (None, k)}
        self._limits = {k: v for k, v in self._limits.items() if account_id not in (None, k[0])}
        self._resolved.clear()

    def _locked_amounts(self, account: Account, model: ModelCard, overrides: str) -> dict[str, int | None]:
        tier = self.tier_of(account)
        with self._lock:
            return self._amounts(account, model, tier, overrides)

    def _amounts(
        self, account: Account, model: ModelCard, tier: str, overrides: str
    ) -> dict[str, int | None]:
        """Combine the layers. A limit of ``None`` was removed."""
        group = model.limit_group
        stated = self._stated(account, group, tier, overrides)
        amounts: dict[str, int | None] = dict(stated.kinds()) if stated else {}
        if amounts and model.sees_images:
            amounts["images_per_minute"] = self._catalog.images_per_minute
        layers: list[Overrides] = [
            *self._settings_overrides(group, tier),
            account.limits_of(group, tier),
            self._limits.get((None, group), {}),
            self._limits.get((account.id, group), {}),
            parse_overrides(overrides),
        ]
        for layer in layers:
            amounts.update(layer)
        if stated is not None and not stated.supported and not amounts:
            if self._settings.unsupported_model == "404":
                raise ApiError("model_not_found", model=model.id)
            raise ApiError("model_not_allowed", project=account.project, model=model.id)
        return amounts

    def _stated(self, account: Account, group: str, tier: str, overrides: str) -> TierLimits | None:
        """Return the limits of the tables: the documented ones, or the observed ones if settings or request ask so."""
        observed = wants_observed(overrides) or any(
            row.observed and row.group == group and row.tier in (None, tier)
            for row in (*self._rows, *account.limits)
        )
        return self._catalog.tier_limits(group, tier, observed=observed)

    def _settings_overrides(self, group: str, tier: str) -> list[Overrides]:
        return [dict(row.limits) for row in self._rows if row.group == group and row.tier in (None, tier)]
