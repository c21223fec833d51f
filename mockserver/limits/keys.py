"""What names a bucket, and how snapshots give the times of buckets."""

from __future__ import annotations

Key = tuple[str, str, str]  # account, limit group, kind

NEVER = 1 << 62  # a bucket as of then refills nothing; having refused a request, it is kept as of that time


def age_of(at: int, now: int) -> int | None:
    """Return the microseconds since ``at``; ``None`` for what waits for its first refusal."""
    return None if at == NEVER else now - at


def time_of(age: int | None, now: int) -> int:
    """Return the time that has the ``age`` now: the inverse of ``age_of``."""
    return NEVER if age is None else now - age
