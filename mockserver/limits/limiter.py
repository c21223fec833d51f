"""Is there room? Admits requests within the limits of their account's tier, or refuses as the API does."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.catalog.limit_kinds import ENQUEUED_TOKENS, KINDS
from mockserver.errors import ApiError
from mockserver.limits import bucket, headers
from mockserver.limits.bucket import Limit
from mockserver.limits.levels import Level, Levels
from mockserver.limits.queue import BatchQueue
from mockserver.limits.refusals import Refused, too_large, used_up
from mockserver.limits.store import BucketStore, Draw
from mockserver.settings.limit_overrides import parse_overrides, wants_observed
from mockserver.settings.loading import check_limits

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.catalog.records import ModelCard, TierLimits
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.limits.keys import Key
    from mockserver.settings.model import Settings

# What a scripted refusal speaks of where the account has no such limit: those of many models on tier-1.
_STAND_INS = {"requests_per_minute": 500, "tokens_per_minute": 30_000, "images_per_minute": 50_000}
# What scripted refusals of other names than these speak of is tokens.
_REFUSED = {"rate_limit_requests": "requests", "rate_limit_images": "images"}

Headers = tuple[tuple[str, str], ...]
Overrides = Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Admission:
    """A request that was let in: its response headers, and the token bucket to settle later."""

    headers: Headers = ()
    tokens: Draw | None = None


class Gauge(NamedTuple):
    """How full a bucket is; the limit is per ``window_seconds``, and it is full again after ``reset_ms``.

    The batch queue has no window: its tokens are given back as batches end.
    """

    kind: str
    limit: int
    used: int
    remaining: int
    reset_ms: int
    window_seconds: int


@dataclass(slots=True)
class _Changes:
    """What the control API changed: tiers by account, limits by account and group (``None``: of all)."""

    tiers: dict[str | None, str] = field(default_factory=dict)
    limits: dict[tuple[str | None, str], dict[str, int | None]] = field(default_factory=dict)

    def forget(self, account_id: str | None) -> None:
        """Takes back the changes for an account, or all."""
        self.tiers = {k: v for k, v in self.tiers.items() if account_id not in (None, k)}
        self.limits = {k: v for k, v in self.limits.items() if account_id not in (None, k[0])}

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """The changes for an account, or all, as rows for ``restore``."""
        everything = account_id is None
        return {
            "tiers": [
                {"account": account if everything else None, "tier": tier}
                for account, tier in self.tiers.items()
                if everything or account == account_id
            ],
            "limits": [
                {"account": account if everything else None, "group": group, "limits": dict(amounts)}
                for (account, group), amounts in self.limits.items()
                if everything or account == account_id
            ],
        }

    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Puts the changes of a ``snapshot`` in place of those for an account, or of all."""
        self.forget(account_id)
        for row in state["tiers"]:
            self.tiers[account_id or row["account"]] = row["tier"]
        for row in state["limits"]:
            self.limits[account_id or row["account"], row["group"]] = dict(row["limits"])


class Limiter:
    """The rate limits of one server. Every method is safe to use from several threads.

    Raises ``SettingsError`` when the settings speak of limits that there are not.
    """

    def __init__(self, catalog: Catalog, clock: Clock, settings: Settings) -> None:
        check_limits(settings.limit_rows, settings.accounts, catalog)
        self.buckets = BucketStore()
        self.queue = BatchQueue()
        self._catalog = catalog
        self._clock = clock
        self._settings = settings
        self._changes = _Changes()
        self._levels = Levels()
        self._lock = threading.Lock()
        self._known: dict[tuple[object, ...], dict[str, Limit]] = {}
        self._last = self._set_back = 0  # microseconds

    def admit(
        self,
        account: Account,
        model: ModelCard,
        tokens: int,
        images: int = 0,
        *,
        tells_tokens: bool,
        overrides: str = "",
    ) -> Admission:
        """Lets the request in, and charges it: one request, its estimated ``tokens`` and its ``images``.

        ``overrides`` is the request's setting ``limits``; ``tells_tokens`` is whether the endpoint's answers
        have token headers. Raises ``ApiError`` with the headers of a 429, or for a model the tier may not use.
        """
        if not self._settings.rate_limits:
            return Admission()
        limits = self.limits(account, model, overrides)
        draws = [
            Draw((account.id, model.limit_group, kind), limit, _amount(kind, tokens, images))
            for kind, limit in limits.items()
            if images or KINDS[kind].counts != "images"
        ]
        with self._lock:  # No thread may come with a time that another one is already past.
            if self._levels:
                for draw in draws:
                    self._level(draw.key, draw.limit)
            now = self.now()
            for draw in draws:
                if draw.amount > draw.limit.amount:
                    held = [self.buckets.get(each.key) for each in draws]
                    raise too_large(Refused(account, model, draw, draws, held, now, tells_tokens))
            refused, buckets = self.buckets.take_all(draws, now)
        if refused is not None:
            raise self._used_up(Refused(account, model, refused, draws, buckets, now, tells_tokens))
        told = headers.limit_headers(draws, buckets, now, tells_tokens)
        return Admission(told, next((draw for draw in draws if draw.key[2].startswith("tokens")), None))

    def refusal(
        self,
        name: str,
        account: Account,
        model: ModelCard,
        tokens: int,
        *,
        tells_tokens: bool,
        overrides: str = "",
    ) -> ApiError:
        """The 429 of that name, as if the account had used up what it speaks of; nothing is charged.

        ``name`` is ``rate_limit_requests``, ``rate_limit_tokens``, ``rate_limit_images`` or
        ``request_too_large``. The limit is the account's per minute, else per day, else ``_STAND_INS``; the
        headers tell of the same one.
        """
        counts = _REFUSED.get(name, "tokens")
        limits = self._limits_or_none(account, model, overrides)
        kind = next((kind for kind in KINDS if kind in limits and KINDS[kind].counts == counts), None)
        if kind is None:
            kind = f"{counts}_per_minute"
            limits[kind] = Limit(_STAND_INS[kind], KINDS[kind].window)
        draws = [
            Draw((account.id, model.limit_group, each), limit, _amount(each, tokens, 1))
            for each, limit in limits.items()
            if each == kind or KINDS[each].counts not in (counts, "images")
        ]
        refused = next(draw for draw in draws if draw.key[2] == kind)
        with self._lock:
            now = self.now()
            if name == "request_too_large":
                larger = refused._replace(amount=refused.limit.amount + refused.amount)
                held = [self.buckets.get(each.key) for each in draws]
                return too_large(Refused(account, model, larger, draws, held, now, tells_tokens))
            buckets = [
                bucket.full(draw.limit.amount, draw.limit, now)
                if draw is refused
                else self.buckets.get(draw.key)
                for draw in draws
            ]
            return self._used_up(Refused(account, model, refused, draws, buckets, now, tells_tokens))

    def settle(self, admission: Admission, tokens: int) -> None:
        """Charges what the answer really used beyond the estimate, or gives the difference back."""
        charged = admission.tokens
        if charged is not None and tokens != charged.amount:
            with self._lock:
                self.buckets.charge(Draw(charged.key, charged.limit, tokens - charged.amount), self.now())

    def enqueue(
        self, account: Account, model: ModelCard, batch_id: str, tokens: int, overrides: str = ""
    ) -> None:
        """Takes a batch into the queue; it leaves by ``queue.leave``. Raises ``QueueFull`` and ``ApiError``."""
        limit = self._queue_limit(account, model, overrides) if self._settings.rate_limits else None
        self.queue.enter(account.id, model.limit_group, batch_id, tokens, limit)

    def limits(self, account: Account, model: ModelCard, overrides: str = "") -> dict[str, Limit]:
        """The limits of an account on a model, by kind. Raises ``ApiError`` when the tier may not use it."""
        tier = self.tier_of(account)
        key = (account.id, account.limits, model.limit_group, model.sees_images, tier, overrides)
        known = self._known.get(key)
        if known is None:
            with self._lock:
                known = self._resolve(account, model, tier, overrides)
                if len(self._known) > 4096:
                    self._known.clear()
                self._known[key] = known
        return known

    def tier_of(self, account: Account) -> str:
        """The account's tier, as it is now."""
        tiers = self._changes.tiers
        return tiers.get(account.id) or tiers.get(None) or account.tier

    def set_tier(self, account_id: str | None, tier: str) -> None:
        """Moves an account to another tier; without one, all that were not moved on their own."""
        with self._lock:
            self._changes.tiers[account_id] = tier
            self._known.clear()

    def override(self, account_id: str | None, group: str, limits: Overrides) -> None:
        """Changes limits of a group for an account, or for all; ``None`` removes a limit."""
        with self._lock:
            self._changes.limits.setdefault((account_id, group), {}).update(limits)
            self._known.clear()

    def set_level(self, account_id: str | None, group: str, kind: str, remaining: int | None) -> None:
        """Has so much remain in a bucket of an account; without one, of every account, seen or to come.

        ``None`` drains it: nothing is left, and it does not refill until it has refused a request.
        """
        with self._lock:
            level = Level(0) if remaining is None else Level(remaining, self.now())
            self._levels.set(account_id, group, kind, level)

    def groups_in_use(self) -> dict[str, list[str]]:
        """The limit groups of which buckets or batch queues are in use, by account id."""
        groups: dict[str, dict[str, None]] = {}
        buckets = [(account_id, group) for (account_id, group, _), _, _ in self.buckets.items()]
        for account_id, group in (*buckets, *self.queue.groups()):
            groups.setdefault(account_id, {})[group] = None
        return {account_id: list(used) for account_id, used in groups.items()}

    def gauges(self, account: Account, model: ModelCard) -> list[Gauge]:
        """How full the account's buckets and batch queue for a model are.

        Raises ``ApiError`` when its tier may not use it.
        """
        limits = self.limits(account, model, self._settings.limits)
        gauges = []
        with self._lock:
            now = self.now()
            for kind, limit in limits.items():
                key = (account.id, model.limit_group, kind)
                self._level(key, limit)
                held = self.buckets.get(key)
                used = bucket.used(held, limit, now)
                reset = bucket.reset(held, limit, now)
                seconds = limit.window // bucket.MICROSECONDS
                gauges.append(Gauge(kind, limit.amount, used, limit.amount - used, reset, seconds))
        queue = self.amounts(account, model, self._settings.limits).get(ENQUEUED_TOKENS)
        if queue is not None:
            used = self.queue.used(account.id, model.limit_group)
            gauges.append(Gauge(ENQUEUED_TOKENS, queue, used, max(0, queue - used), 0, 0))
        return gauges

    def reset(self, account_id: str | None = None) -> None:
        """Fills all buckets and forgets all changes, of one account or of all."""
        with self._lock:
            self._changes.forget(account_id)
            self._known.clear()
            self._levels.forget(account_id)
            self.buckets.clear(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Every bucket, level and change of an account, or of all, for ``restore``.

        Times are told as ages, so that a bucket is as full when it is restored as it is now.
        """
        with self._lock:
            now = self.now()
            return self._changes.snapshot(account_id) | {
                "levels": self._levels.snapshot(account_id, now),
                "buckets": self.buckets.snapshot(account_id, now),
            }

    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Puts the buckets, levels and changes of a ``snapshot`` in place of those of an account, or of all."""
        with self._lock:
            now = self.now()
            self._changes.restore(state, account_id)
            self._known.clear()
            self._levels.restore(state["levels"], account_id, now)
            self.buckets.restore(state["buckets"], account_id, now)

    def now(self) -> int:
        """Microseconds that never run backwards: while the clock is set back, time stands still for buckets.

        To be called with the lock held.
        """
        now = round(self._clock.now() * bucket.MICROSECONDS)
        self._set_back += max(0, self._last - now)
        self._last = now
        return now + self._set_back

    def amounts(self, account: Account, model: ModelCard, overrides: str = "") -> dict[str, int]:
        """Every limit that an account has on a model, the batch queue's too, by kind.

        Raises ``ApiError`` when the tier may not use the model.
        """
        with self._lock:
            amounts = self._amounts(account, model, self.tier_of(account), overrides)
        return {kind: amount for kind, amount in amounts.items() if amount is not None}

    def _level(self, key: Key, limit: Limit) -> None:
        """Brings a bucket to the level it was given, if it was given one since it was last used."""
        level = self._levels.take(key)
        if level is not None:
            self.buckets.put(key, level.bucket(limit), limit)

    def _in_real_time(self, milliseconds: int) -> int:
        """How long a client has to sleep until so much of the clock's time has passed, rounded up."""
        state = self._clock.state()
        scale = state["scale"]
        assert isinstance(scale, int | float)
        return milliseconds if state["frozen"] or not scale else math.ceil(milliseconds / scale)

    def _resolve(self, account: Account, model: ModelCard, tier: str, overrides: str) -> dict[str, Limit]:
        amounts = self._amounts(account, model, tier, overrides)
        return {
            kind.name: Limit(amount, kind.window)
            for kind in KINDS.values()
            if (amount := amounts.get(kind.name)) is not None
        }

    def _amounts(
        self, account: Account, model: ModelCard, tier: str, overrides: str
    ) -> dict[str, int | None]:
        stated = self._stated(account, model.limit_group, tier, overrides)
        amounts: dict[str, int | None] = dict(stated.kinds()) if stated else {}
        if amounts and model.sees_images:
            amounts["images_per_minute"] = self._catalog.images_per_minute
        changes = self._changes.limits
        for change in (
            *(self._settings_overrides(model.limit_group, tier)),
            account.limits_of(model.limit_group, tier),
            changes.get((None, model.limit_group), {}),
            changes.get((account.id, model.limit_group), {}),
            parse_overrides(overrides),
        ):
            amounts.update(change)
        if stated is not None and not stated.supported and not amounts:
            if self._settings.unsupported_model == "404":
                raise ApiError("model_not_found", model=model.id)
            raise ApiError("model_not_allowed", project=account.project, model=model.id)
        return amounts

    def _stated(self, account: Account, group: str, tier: str, overrides: str) -> TierLimits | None:
        """The limits of the tables: as documented, or as observed where the settings, a row or the request say so."""
        observed = wants_observed(overrides) or any(
            row.observed and row.group == group and row.tier in (None, tier)
            for row in (*self._settings.limit_rows, *account.limits)
        )
        return self._catalog.tier_limits(group, tier, observed=observed)

    def _queue_limit(self, account: Account, model: ModelCard, overrides: str) -> int | None:
        """How many tokens the batch queue takes: none on a tier without a queue where others have one."""
        tier = self.tier_of(account)
        with self._lock:
            amounts = self._amounts(account, model, tier, overrides)
        if ENQUEUED_TOKENS in amounts:
            return amounts[ENQUEUED_TOKENS]
        stated = [self._catalog.tier_limits(model.limit_group, each) for each in self._catalog.tiers]
        return 0 if any(each and each.enqueued_tokens for each in stated) else None

    def _limits_or_none(self, account: Account, model: ModelCard, overrides: str) -> dict[str, Limit]:
        """A copy of the limits of an account on a model; empty when its tier may not use it."""
        try:
            return dict(self.limits(account, model, overrides))
        except ApiError:
            return {}

    def _settings_overrides(self, group: str, tier: str) -> list[Overrides]:
        return [
            dict(row.limits)
            for row in self._settings.limit_rows
            if row.group == group and row.tier in (None, tier)
        ]

    def _used_up(self, refused: Refused) -> ApiError:
        return used_up(refused, tier=self.tier_of(refused.account), in_real_time=self._in_real_time)


def _amount(kind: str, tokens: int, images: int) -> int:
    """Return what a request takes from a bucket of a kind."""
    return {"tokens": tokens, "images": images}.get(KINDS[kind].counts, 1)
