"""The kinds of rate limit: what they count, over which window, and how messages name them."""

from __future__ import annotations

from typing import NamedTuple

MINUTE = 60_000_000  # microseconds
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Kind(NamedTuple):
    """``counts`` is ``requests``, ``tokens`` or ``images``; ``window`` in microseconds; ``label`` as in messages."""

    name: str
    counts: str
    window: int
    label: str


KINDS = {
    kind.name: kind
    for kind in (
        Kind("requests_per_minute", "requests", MINUTE, "requests per min (RPM)"),
        Kind("requests_per_hour", "requests", HOUR, "requests per hour (RPH)"),
        Kind("requests_per_day", "requests", DAY, "requests per day (RPD)"),
        Kind("tokens_per_minute", "tokens", MINUTE, "tokens per min (TPM)"),
        Kind("images_per_minute", "images", MINUTE, "input-images per min"),
    )
}

# Limits that are stated in the same tables and not enforced per request, but per batch.
ENQUEUED_TOKENS = "enqueued_tokens"
QUEUE_KINDS = (ENQUEUED_TOKENS,)
