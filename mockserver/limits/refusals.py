"""Makes the 429 refusals of rate limits, with the API's messages and headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mockserver.catalog.limit_kinds import KINDS, UPGRADE
from mockserver.errors import ApiError
from mockserver.limits import headers
from mockserver.limits.headers import go_duration
from mockserver.state import bucket

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mockserver.accounts.accounts import Account
    from mockserver.catalog.records import ModelCard
    from mockserver.state.bucket import Bucket, Draw


class Refused(NamedTuple):
    """A request that exceeds a limit: the refused ``draw``, and all ``draws`` with their ``buckets``.

    ``now`` is the limiter's time in microseconds; ``has_token_headers`` is true if the endpoint's answers have token
    headers.
    """

    account: Account
    model: ModelCard
    draw: Draw
    draws: Sequence[Draw]
    buckets: Sequence[Bucket]
    now: int
    has_token_headers: bool


def too_large(refused: Refused) -> ApiError:
    """Return the refusal of a request that needs more than a full bucket holds."""
    account, model, draw, draws, buckets, now, has_token_headers = refused
    name = model.id if model.alias_of is None else f"{model.id} (for limit {model.alias_of})"
    return ApiError(
        "request_too_large",
        headers=headers.limit_headers(draws, buckets, now, has_token_headers),
        model=name,
        organization=account.organization,
        label=KINDS[draw.key[2]].label,
        limit=draw.limit.amount,
        requested=draw.amount,
    )


def used_up(refused: Refused, *, tier: str, in_real_time: Callable[[int], int]) -> ApiError:
    """Return the refusal of a request that must wait; ``in_real_time`` converts milliseconds to real time."""
    account, model, draw, draws, buckets, now, has_token_headers = refused
    kind = KINDS[draw.key[2]]
    held = buckets[draws.index(draw)]
    wait = bucket.wait(held, draw.limit, draw.amount, now)
    if kind.counts != "requests":
        # Recorded: the headers count the refused request against the limit of requests.
        buckets = [
            each if taken is draw else bucket.take(each, taken.limit, taken.amount, now)
            for taken, each in zip(draws, buckets, strict=True)
        ]
    return ApiError(
        f"rate_limit_{kind.counts}",
        headers=(
            *headers.retry_headers(in_real_time(wait)),
            *headers.limit_headers(draws, buckets, now, has_token_headers),
        ),
        model=model.id,
        organization=account.organization,
        label=kind.label,
        limit=draw.limit.amount,
        used=bucket.used(held, draw.limit, now),
        requested=draw.amount,
        wait=go_duration(wait),
        upgrade=UPGRADE if tier == "free" else "",
    )
