"""The ``x-ratelimit-*`` and ``retry-after`` response headers, and durations as the API writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mockserver.state import bucket

if TYPE_CHECKING:
    from mockserver.state.bucket import Bucket, Draw

Headers = tuple[tuple[str, str], ...]

# If two limits count the same, the headers show the one with the longer window; the other is enforced without headers.
_SHOWN = {
    "requests": ("requests_per_day", "requests_per_hour", "requests_per_minute"),
    "tokens": ("tokens_per_minute",),
    "input-images": ("images_per_minute",),
}
_NAMES = {
    counted: tuple(f"x-ratelimit-{fact}-{counted}" for fact in ("limit", "remaining", "reset"))
    for counted in _SHOWN
}


def limit_headers(
    draws: Sequence[Draw], buckets: Sequence[Bucket], now: int, has_token_headers: bool
) -> Headers:
    """Return the headers of requests, of tokens (if ``has_token_headers``, as the endpoint has them) and of images."""
    by_kind = {draw.key[2]: (draw.limit, held) for draw, held in zip(draws, buckets, strict=True)}
    limits, left, resets = [], [], []
    for counted, kinds in _SHOWN.items():
        kind = next(filter(by_kind.__contains__, kinds), None)
        if kind is None or (counted == "tokens" and not has_token_headers):
            continue
        limit, held = by_kind[kind]
        name_of_limit, name_of_left, name_of_reset = _NAMES[counted]
        limits.append((name_of_limit, str(limit.amount)))
        left.append((name_of_left, str(bucket.remaining(held, limit, now))))
        resets.append((name_of_reset, go_duration(bucket.reset(held, limit, now))))
    return (*limits, *left, *resets)


def retry_headers(milliseconds: int) -> Headers:
    """Return ``retry-after`` in whole seconds, rounded up, at least 1, and ``retry-after-ms`` in milliseconds."""
    return ("retry-after", str(max(1, -(-milliseconds // 1000)))), ("retry-after-ms", str(milliseconds))


def go_duration(milliseconds: int) -> str:
    """Return whole milliseconds as Go prints a ``time.Duration``: ``0s``, ``120ms``, ``8.64s``, ``114h18m0s``."""
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if not minutes:
        return seconds
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}"
