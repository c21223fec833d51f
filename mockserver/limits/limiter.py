"""Admits requests within the rate limits of their accounts, and refuses others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from mockserver.catalog.limit_kinds import ENQUEUED_TOKENS, KINDS
from mockserver.errors import ApiError
from mockserver.limits import headers
from mockserver.limits.levels import Levels
from mockserver.limits.policy import Policy
from mockserver.limits.queue import BatchQueue
from mockserver.limits.refusals import Refused, too_large, used_up
from mockserver.state import bucket
from mockserver.state.bucket import NEVER, Bucket, Draw, Key, Limit, age_of, time_of

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.catalog.records import ModelCard
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.settings.model import Settings
    from mockserver.state.protocols import Buckets, Counters

# Limits for scripted refusals if the account has no such limit: the amounts of many models on tier-1.
_STAND_INS = {
    "requests_per_minute": 500,
    "tokens_per_minute": 30_000,
    "images_per_minute": 50_000,
    "audio_seconds_per_minute": 6_000,
}
# The exhausted limit of scripted refusals by name; for other names, it is tokens.
_REFUSED = {
    "rate_limit_requests": "requests",
    "rate_limit_images": "images",
    "rate_limit_audio_seconds": "audio_seconds",
}
_OF_SOME = ("images", "audio_seconds")  # what only some requests have; limits apply to these only

Headers = tuple[tuple[str, str], ...]


class Admission(msgspec.Struct, frozen=True):
    """An admitted request: its response headers, and the draw of tokens to settle later."""

    headers: Headers = ()
    tokens: Draw | None = None


class Gauge(NamedTuple):
    """The state of a bucket. The limit applies per ``window_seconds``; the bucket is full again after ``reset_ms``.

    The batch queue has no window: its tokens are released when batches end. A ``drained`` bucket does not refill until
    it has refused a request.
    """

    kind: str
    limit: int
    used: int
    remaining: int
    reset_ms: int
    window_seconds: int
    drained: bool = False


class Limiter:
    """The rate limiter of one server. ``policy`` decides the limits of its buckets. Thread-safe.

    Raises ``SettingsError`` if the settings name unknown limits.
    """

    def __init__(
        self, catalog: Catalog, clock: Clock, settings: Settings, buckets: Buckets, counters: Counters
    ) -> None:
        self.policy = Policy(catalog, settings)
        self.buckets = buckets
        self.queue = BatchQueue(counters)
        self._clock = clock
        self._settings = settings
        self.levels = Levels(counters)

    def admit(
        self,
        account: Account,
        model: ModelCard,
        tokens: int,
        images: int = 0,
        audio_seconds: int = 0,
        *,
        has_token_headers: bool,
        overrides: str = "",
    ) -> Admission:
        """Admit a request and charge it: one request, its estimated ``tokens``, ``images`` and ``audio_seconds``.

        ``overrides`` is the request's setting ``limits``; ``has_token_headers`` is true if the endpoint's answers have
        token headers. Raises ``ApiError`` with the headers of a 429, or for a model that the tier may not use.
        """
        if not self._settings.rate_limits:
            return Admission()
        amounts = {"requests": 1, "tokens": tokens, "images": images, "audio_seconds": audio_seconds}
        draws = [
            Draw((account.id, model.limit_group, kind), limit, amounts[counted])
            for kind, limit in self.policy.limits(account, model, overrides).items()
            if (counted := KINDS[kind].counts) not in _OF_SOME or amounts[counted]
        ]
        if self.levels:
            for draw in draws:
                self._level(draw.key, draw.limit)
        now = self.now()
        for draw in draws:
            if draw.amount > draw.limit.amount:
                held = [self.buckets.get(each.key) for each in draws]
                raise too_large(Refused(account, model, draw, draws, held, now, has_token_headers))
        refused, buckets = self.buckets.take_all(draws, now)
        if refused is not None:
            raise self._used_up(Refused(account, model, refused, draws, buckets, now, has_token_headers))
        sent = headers.limit_headers(draws, buckets, now, has_token_headers)
        return Admission(sent, next((draw for draw in draws if KINDS[draw.key[2]].counts == "tokens"), None))

    def settle(self, admission: Admission, tokens: int) -> None:
        """Charge the tokens that the answer used beyond the estimate, or give the difference back."""
        charged = admission.tokens
        if charged is not None and tokens != charged.amount:
            self.buckets.charge(Draw(charged.key, charged.limit, tokens - charged.amount), self.now())

    def refusal(
        self,
        name: str,
        account: Account,
        model: ModelCard,
        tokens: int,
        *,
        has_token_headers: bool,
        overrides: str = "",
    ) -> ApiError:
        """Return the 429 called ``name``, as if the account had exhausted that limit. Nothing is charged.

        ``name`` is ``rate_limit_requests``, ``rate_limit_tokens``, ``rate_limit_images``,
        ``rate_limit_audio_seconds`` or ``request_too_large``. The
        limit is the account's per minute, else per day, else that of ``_STAND_INS``; the headers have the same limit.
        """
        counts = _REFUSED.get(name, "tokens")
        limits = self._limits_or_none(account, model, overrides)
        kind = next((kind for kind in KINDS if kind in limits and KINDS[kind].counts == counts), None)
        if kind is None:
            kind = f"{counts}_per_minute"
            limits[kind] = Limit(_STAND_INS[kind], KINDS[kind].window)
        amounts = {"requests": 1, "tokens": tokens, "images": 1, "audio_seconds": 1}
        draws = [
            Draw((account.id, model.limit_group, each), limit, amounts[KINDS[each].counts])
            for each, limit in limits.items()
            if each == kind or KINDS[each].counts not in (counts, *_OF_SOME)
        ]
        refused = next(draw for draw in draws if draw.key[2] == kind)
        now = self.now()
        if name == "request_too_large":
            larger = Draw(refused.key, refused.limit, refused.limit.amount + refused.amount)
            held = [self.buckets.get(each.key) for each in draws]
            return too_large(Refused(account, model, larger, draws, held, now, has_token_headers))
        buckets = [
            bucket.full(draw.limit.amount, draw.limit, now) if draw is refused else self.buckets.get(draw.key)
            for draw in draws
        ]
        return self._used_up(Refused(account, model, refused, draws, buckets, now, has_token_headers))

    def enqueue(
        self, account: Account, model: ModelCard, batch_id: str, tokens: int, overrides: str = ""
    ) -> None:
        """Add a batch to the queue; ``queue.leave`` removes it. Raises ``QueueFull`` and ``ApiError``."""
        limit = self.policy.queue_limit(account, model, overrides) if self._settings.rate_limits else None
        self.queue.enter(account.id, model.limit_group, batch_id, tokens, limit)

    def set_level(self, account_id: str | None, group: str, kind: str, remaining: int | None) -> None:
        """Set what remains in a bucket of an account; without an account, of all present and future accounts.

        ``None`` drains the bucket: nothing remains, and it does not refill until it has refused a request.
        """
        at = NEVER if remaining is None else self.now()
        self.levels.set(account_id, group, kind, remaining or 0, at)

    def groups_in_use(self) -> dict[str, list[str]]:
        """Return the limit groups with buckets or batch queues in use, by account id."""
        groups: dict[str, dict[str, None]] = {}
        buckets = [(account_id, group) for (account_id, group, _), _, _ in self.buckets.items()]
        for account_id, group in (*buckets, *self.queue.groups()):
            groups.setdefault(account_id, {})[group] = None
        return {account_id: list(used) for account_id, used in groups.items()}

    def gauges(self, account: Account, model: ModelCard) -> list[Gauge]:
        """Return the state of the account's buckets and batch queue for a model.

        Raises ``ApiError`` if the tier may not use the model.
        """
        overrides = self._settings.limits
        limits = self.policy.limits(account, model, overrides)
        gauges = []
        now = self.now()
        for kind, limit in limits.items():
            key = (account.id, model.limit_group, kind)
            self._level(key, limit)
            held = self.buckets.get(key)
            used = bucket.used(held, limit, now)
            reset = bucket.reset(held, limit, now)
            seconds = limit.window // bucket.MICROSECONDS
            remaining, drained = limit.amount - used, held.at == NEVER
            gauges.append(Gauge(kind, limit.amount, used, remaining, reset, seconds, drained))
        queue = self.policy.amounts(account, model, overrides).get(ENQUEUED_TOKENS)
        if queue is not None:
            used = self.queue.used(account.id, model.limit_group)
            gauges.append(Gauge(ENQUEUED_TOKENS, queue, used, max(0, queue - used), 0, 0))
        return gauges

    def reset(self, account_id: str | None = None) -> None:
        """Fill all buckets and undo all changes, of one account or of all."""
        self.forget(account_id)
        self.buckets.clear(account_id)

    def forget(self, account_id: str | None) -> None:
        """Undo all changes, of one account or of all."""
        self.policy.forget(account_id)
        self.levels.forget(account_id)

    def snapshot(self, account_id: str | None) -> dict[str, Any]:
        """Return every bucket, level and change of an account, or of all, for ``restore``.

        Times are stored as ages, so that a restored bucket has the same level as now.
        """
        now = self.now()
        return self.policy.snapshot(account_id) | {
            "levels": self.levels.snapshot(account_id, now),
            "buckets": [
                _row(each, account_id, now)
                for each in self.buckets.items()
                if account_id in (None, each[0][0])
            ],
        }

    def restore(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the buckets, levels and changes of an account, or of all, with those of a ``snapshot``."""
        self.restore_definitions(state, account_id, self.now())
        self.restore_buckets(state, account_id)

    def restore_definitions(self, state: Mapping[str, Any], account_id: str | None, now: int) -> None:
        """Replace the levels and changes of an account, or of all, with those of a ``snapshot``."""
        self.policy.restore(state, account_id)
        self.levels.restore(state["levels"], account_id, now)

    def restore_buckets(self, state: Mapping[str, Any], account_id: str | None) -> None:
        """Replace the buckets of an account, or of all, with those of a ``snapshot``."""
        now = self.now()
        self.buckets.replace(account_id, [_bucket(row, account_id, now) for row in state["buckets"]])

    def now(self) -> int:
        """Return a monotonic time in microseconds. If the clock is set back, the time continues from where it was."""
        return self._clock.steady()

    def _level(self, key: Key, limit: Limit) -> None:
        """Set a bucket to its new level, if a level was set since the bucket was last used."""
        self.levels.take(key, lambda level: self.buckets.put(key, level.bucket(limit), limit))

    def _limits_or_none(self, account: Account, model: ModelCard, overrides: str) -> dict[str, Limit]:
        """Return a copy of the limits of an account on a model; empty if the tier may not use the model."""
        try:
            return dict(self.policy.limits(account, model, overrides))
        except ApiError:
            return {}

    def _used_up(self, refused: Refused) -> ApiError:
        tier = self.policy.tier_of(refused.account)
        return used_up(refused, tier=tier, in_real_time=self._in_real_time)

    def _in_real_time(self, milliseconds: int) -> int:
        """Return the real milliseconds, rounded up, in which so many milliseconds of the server's clock pass."""
        state = self._clock.state()
        scale = state["scale"]
        assert isinstance(scale, int | float)
        return milliseconds if state["frozen"] or not scale else math.ceil(milliseconds / scale)


def _row(stored: tuple[Key, Bucket, Limit], account_id: str | None, now: int) -> dict[str, Any]:
    """Return a bucket as a row of a snapshot, with its age in place of its time."""
    (account, group, kind), held, limit = stored
    return {
        "account": account if account_id is None else None,
        "group": group,
        "kind": kind,
        "debt": held.debt,
        "age": age_of(held.at, now),
        "amount": limit.amount,
        "window": limit.window,
    }


def _bucket(row: Mapping[str, Any], account_id: str | None, now: int) -> tuple[Key, Bucket, Limit]:
    """Return the bucket of a row of a snapshot."""
    key = (account_id or row["account"], row["group"], row["kind"])
    return key, Bucket(row["debt"], time_of(row["age"], now)), Limit(row["amount"], row["window"])
