"""The tokens of responses for the rate limits, and the limits that events report.

Recorded: a response is reserved its input, its largest output and about 540 tokens; when it has ended, a constant and
its output tokens count, whatever its input.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.errors import ApiError

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.catalog.records import ModelCard
    from mockserver.limits.limiter import Limiter

_OUTPUT = 4096  # tokens, of a response without a limit
_RESERVED = 540
# Tokens that a response counts beside its output (recorded).
_OF_AUDIO, _OF_TEXT, _OF_REASONING_MODELS = 569, 263, 1010
_STAND_IN = {"requests": 20_000, "tokens": 15_000_000}  # those of tier 5, for a model without limits
_KINDS = {"requests": "requests_per_minute", "tokens": "tokens_per_minute"}
_SECONDS = 60


class Gauged(Struct, frozen=True):
    """Whose limits are reported: those of an account on a model, with the setting ``limits`` as ``overrides``."""

    account: Account
    model: ModelCard
    overrides: str
    is_enforced: bool


def reserved(document: Mapping[str, Any], tokens: int) -> int:
    """Return the tokens that a response is charged before it begins; ``tokens`` are those of its input."""
    most = document.get("max_output_tokens")
    return tokens + _RESERVED + (min(most, _OUTPUT) if isinstance(most, int) else _OUTPUT)


def used(model: ModelCard, usage: Mapping[str, Any]) -> int:
    """Return the tokens that a response with a ``usage`` counts."""
    rules = model.realtime
    if rules is not None and rules.efforts:
        counted = _OF_REASONING_MODELS
    else:
        counted = _OF_AUDIO if (usage.get("output_token_details") or {}).get("audio_tokens") else _OF_TEXT
    written: int = usage.get("output_tokens", 0)
    return counted + written if usage.get("total_tokens", 0) else 0


def after(limiter: Limiter, whose: Gauged, tokens: int) -> list[dict[str, Any]]:
    """Return the ``rate_limits`` after a response that counted so many ``tokens``."""
    return [_row(limiter, whose, "tokens", tokens)]


def before(limiter: Limiter, whose: Gauged, tokens: int) -> list[dict[str, Any]]:
    """Return the ``rate_limits`` of the beta before a response, for which ``tokens`` are reserved."""
    return [_row(limiter, whose, "requests", 1), _row(limiter, whose, "tokens", tokens)]


def _row(limiter: Limiter, whose: Gauged, name: str, amount: int) -> dict[str, Any]:
    """Return a limit with what is used of it: by this response, and by others, which fade with time."""
    limit, taken = _STAND_IN[name], amount
    try:
        limits = limiter.policy.limits(whose.account, whose.model, whose.overrides)
        limit = limits[_KINDS[name]].amount if _KINDS[name] in limits else limit
        if whose.is_enforced:
            gauges = {gauge.kind: gauge for gauge in limiter.gauges(whose.account, whose.model)}
            taken = max(amount, gauges[_KINDS[name]].used) if _KINDS[name] in gauges else amount
    except ApiError:  # the tier may not use the model, but it is used: strictness is not ``real``
        pass
    taken = min(taken, limit)
    reset = math.floor(taken * _SECONDS * 1000 / limit) / 1000 if limit else 0.0
    return {"name": name, "limit": limit, "remaining": limit - taken, "reset_seconds": reset}
