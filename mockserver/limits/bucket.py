"""The arithmetic of a rate limit: a bucket that refills continuously (the generic cell rate algorithm).

Everything is integer: time in microseconds, and what is used in units of 1/window of a request or token, so
that any limit and window come out exactly. A bucket is two numbers; the functions know nothing of a clock.

The rules were read off published answers of the real API (``docs/rate-limits.md`` lists them): the reset time
is that until the bucket is *full*, and milliseconds are cut off, not rounded.
"""

from __future__ import annotations

from typing import NamedTuple

MICROSECONDS = 1_000_000


class Limit(NamedTuple):
    """So many requests or tokens per ``window`` microseconds."""

    amount: int
    window: int


class Bucket(NamedTuple):
    """What is used: ``debt`` is the amount used times the window, as of the time ``at`` (microseconds)."""

    debt: int = 0
    at: int = 0


def debt_at(bucket: Bucket, limit: Limit, now: int) -> int:
    """Return the debt that is left at ``now``. A clock that was set back refills nothing."""
    debt, at = bucket
    if not debt or now <= at:
        return debt
    left = debt - (now - at) * limit.amount
    return max(0, left)


def take(bucket: Bucket, limit: Limit, amount: int, now: int) -> Bucket:
    """Return the bucket after ``amount`` more was used; a negative amount gives back. It may exceed its limit."""
    return Bucket(max(0, debt_at(bucket, limit, now) + amount * limit.window), now)


def wait(bucket: Bucket, limit: Limit, amount: int, now: int) -> int:
    """Return the whole milliseconds until ``amount`` more can be used; 0 when it can now.

    Less than a millisecond is not waited for: what is admitted is what the message would call ``0s``.
    """
    missing = debt_at(bucket, limit, now) + amount * limit.window - limit.amount * limit.window
    return missing // limit.amount // 1000 if missing > 0 else 0


def reset(bucket: Bucket, limit: Limit, now: int) -> int:
    """Return the whole milliseconds until the bucket is full again."""
    return debt_at(bucket, limit, now) // limit.amount // 1000


def used(bucket: Bucket, limit: Limit, now: int) -> int:
    """Return what is used, rounded up, at most the limit."""
    return min(limit.amount, -(-debt_at(bucket, limit, now) // limit.window))


def remaining(bucket: Bucket, limit: Limit, now: int) -> int:
    """Return what is left, rounded down, at least 0."""
    return limit.amount - used(bucket, limit, now)


def full(amount_used: int, limit: Limit, now: int) -> Bucket:
    """Return a bucket of which ``amount_used`` is used at ``now``."""
    return Bucket(amount_used * limit.window, now)
