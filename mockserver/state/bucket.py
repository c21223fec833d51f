"""The arithmetic of a rate limit: a bucket that refills continuously (the generic cell rate algorithm).

All numbers are integers: times in microseconds, usage in units of 1/window of a request or token, so that every limit
and window is exact. A bucket is two numbers; the functions use no clock.

The rules were derived from published answers of the real API (listed in ``docs/rate-limits.md``): the reset time is the
time until the bucket is *full*, and milliseconds are truncated, not rounded.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

MICROSECONDS = 1_000_000  # per second
SKEW = 5 * MICROSECONDS  # by which the clocks of threads, processes and machines may differ
NEVER = 1 << 62  # microseconds; a bucket with this time does not refill until it has refused a request

Key = tuple[str, str, str]  # the key of a bucket: account id, limit group, kind


class Limit(NamedTuple):
    """A limit of ``amount`` requests or tokens per ``window`` microseconds."""

    amount: int
    window: int


class Bucket(Struct, frozen=True):
    """The usage of a limit: ``debt`` is the amount used times the window, at the time ``at`` (microseconds)."""

    debt: int = 0
    at: int = 0


class Draw(Struct, frozen=True):
    """An amount to take from one bucket."""

    key: Key
    limit: Limit
    amount: int


def debt_at(bucket: Bucket, limit: Limit, now: int) -> int:
    """Return the debt that remains at ``now``. If ``now`` is earlier than the bucket's time, nothing refills."""
    debt, passed = bucket.debt, now - bucket.at
    if not debt or passed <= 0:
        return debt
    left = debt - passed * limit.amount
    return max(0, left)


def take_all(
    draws: Sequence[Draw], held: Sequence[tuple[Bucket, Limit]], now: int
) -> tuple[Draw | None, list[Bucket]]:
    """Take all the draws or none from the buckets ``held``, each with the limit that applied until now.

    Return the draw that must wait longest, or ``None`` if none must wait, and the resulting buckets.
    """
    buckets = [refilled(*each, now) for each in held]
    refused, longest = None, 0
    for draw, each in zip(draws, buckets, strict=True):
        needed = wait(each, draw.limit, draw.amount, now)
        if needed > longest:
            refused, longest = draw, needed
    if refused is None:
        buckets = [
            take(each, draw.limit, draw.amount, now) for draw, each in zip(draws, buckets, strict=True)
        ]
    return refused, buckets


def take(bucket: Bucket, limit: Limit, amount: int, now: int) -> Bucket:
    """Return the bucket after ``amount`` more is used; a negative amount is given back. It may exceed its limit."""
    at_now = refilled(bucket, limit, now)
    return Bucket(max(0, at_now.debt + amount * limit.window), at_now.at)


def refilled(bucket: Bucket, limit: Limit, now: int) -> Bucket:
    """Return the bucket ``now``.

    Its time goes back only if the clock was set back: by the difference of two clocks, nothing is refilled twice.
    """
    return Bucket(debt_at(bucket, limit, now), now + _lag(bucket, now))


def _lag(bucket: Bucket, now: int) -> int:
    """Return by how much (microseconds) ``now`` is behind the clock that has changed the bucket; else 0.

    A full bucket has no lag, so that it is the same whether it is kept or removed.
    """
    ahead = bucket.at - now if bucket.debt else 0
    return ahead if 0 < ahead <= SKEW else 0


def wait(bucket: Bucket, limit: Limit, amount: int, now: int) -> int:
    """Return the whole milliseconds until ``amount`` more can be used; 0 if it can be used now.

    Less than a millisecond counts as 0: a request is admitted if the message would say ``0s``.
    """
    missing = debt_at(bucket, limit, now) + (amount - limit.amount) * limit.window
    return (missing // limit.amount + _lag(bucket, now)) // 1000 if missing > 0 else 0


def reset(bucket: Bucket, limit: Limit, now: int) -> int:
    """Return the whole milliseconds until the bucket is full again."""
    debt = debt_at(bucket, limit, now)
    return (debt // limit.amount + _lag(bucket, now)) // 1000 if debt else 0


def used(bucket: Bucket, limit: Limit, now: int) -> int:
    """Return the amount used, rounded up, at most the limit."""
    return min(limit.amount, -(-debt_at(bucket, limit, now) // limit.window))


def remaining(bucket: Bucket, limit: Limit, now: int) -> int:
    """Return the amount left, rounded down, at least 0."""
    return max(0, limit.amount + -debt_at(bucket, limit, now) // limit.window)


def full(amount_used: int, limit: Limit, now: int) -> Bucket:
    """Return a bucket with ``amount_used`` used at ``now``."""
    return Bucket(amount_used * limit.window, now)


def age_of(at: int, now: int) -> int | None:
    """Return the microseconds since ``at``; ``None`` for ``NEVER``."""
    return None if at == NEVER else now - at


def time_of(age: int | None, now: int) -> int:
    """Return the time with this ``age`` at ``now``: the inverse of ``age_of``."""
    return NEVER if age is None else now - age
