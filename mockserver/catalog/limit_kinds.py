"""The kinds of rate limits, with their units, windows and labels."""

from __future__ import annotations

from typing import NamedTuple

MINUTE = 60_000_000  # microseconds
HOUR = 60 * MINUTE
DAY = 24 * HOUR


class Kind(NamedTuple):
    """A kind of rate limit. ``counts`` is ``requests``, ``tokens``, ``images`` or ``audio_seconds``.

    ``window`` is in microseconds. ``label`` is its name in messages.
    """

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
        Kind("audio_seconds_per_minute", "audio_seconds", MINUTE, "audio seconds per min"),
    )
}

# The end of the message on the free tier.
UPGRADE = (
    " You can increase your rate limit by adding a payment method to your account at "
    "https://platform.openai.com/account/billing."
)

# Limits that are in the same tables, but are enforced per batch, not per request.
ENQUEUED_TOKENS = "enqueued_tokens"
QUEUE_KINDS = (ENQUEUED_TOKENS,)
