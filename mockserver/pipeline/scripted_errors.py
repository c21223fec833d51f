"""Errors of the catalog on request: as if what they speak of had happened to the call at hand."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.limits.durations import go_duration
from mockserver.limits.headers import retry_headers

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.pipeline.call import Call
    from mockserver.services import Services

_PLACEHOLDER = re.compile(r"{(\w+)}")
_STAND_IN = "gpt-4o-mini-transcribe"  # the model of a request that names none

# What each error about limits says is used up.
_LIMITED = {
    "rate_limit_requests": "requests",
    "rate_limit_tokens": "tokens",
    "rate_limit_images": "input-images",
    "request_too_large": "tokens",
}


def scripted_error(
    services: Services,
    call: Call,
    name: str | int,
    *,
    message: str | None = None,
    retry_after: float | None = None,
) -> ApiError:
    """The error of that name, or status, to be raised for ``call``.

    An error about limits tells the account's own on the model, as if they were used up; nothing is charged.
    ``message`` replaces the whole message; ``retry_after`` is the seconds after which the client is told to
    try again. Raises ``ValueError`` for an error there is not.
    """
    name = services.errors.name_of(name)
    limited = name in _LIMITED
    error = _limit_error(services, call, name) if limited else ApiError(name, **_values(services, call, name))
    if retry_after is not None:
        _tell_to_retry(error, retry_after)
    if message is not None:
        error.changes["message"] = message
    return error


def _limit_error(services: Services, call: Call, name: str) -> ApiError:
    estimate = call.operation.estimate
    return services.limiter.refusal(
        name,
        call.account,
        _model(services, call),
        max(1, estimate(call.document)) if estimate else 1,
        tells_tokens=call.operation.tells_tokens,
        overrides=call.settings.limits,
    )


def _tell_to_retry(error: ApiError, seconds: float) -> None:
    """Has message and headers agree on when to try again."""
    milliseconds = round(seconds * 1000)
    retry = dict(retry_headers(milliseconds))
    changed = {}
    if "wait" in error.values:
        error.values["wait"] = go_duration(milliseconds)
        changed[f"x-ratelimit-reset-{_LIMITED[error.name]}"] = go_duration(milliseconds)
    others = ((name, changed.get(name, value)) for name, value in error.headers if name not in retry)
    error.headers = (*retry.items(), *others)


def _values(services: Services, call: Call, name: str) -> dict[str, Any]:
    """What the message of an error says: of this call where it can be known, else of an example."""
    examples: Mapping[str, Any] = services.errors.examples["values"].get(name, {})
    model = call.model.id if call.model else call.document.get("model")
    known = {
        "model": model if isinstance(model, str) and model else _STAND_IN,
        "organization": call.account.organization,
        "project": call.account.project,
        "key": call.account.key,
        "endpoint": "/v1" + call.operation.path,
        "method": call.operation.method,
        "path": "/v1" + call.operation.path,
        "allowed": call.operation.method,
    }
    message = services.errors.rows[name]["message"]
    wanted = [placeholder for placeholder in _PLACEHOLDER.findall(message) if placeholder != "request_id"]
    return {each: examples.get(each, known.get(each, each)) for each in (*wanted, *examples)}


def _model(services: Services, call: Call) -> ModelCard:
    """The model whose limits are spoken of."""
    named = services.catalog.served(call.facts.model, call.account.id) if call.facts.model else None
    model = call.model or named or services.catalog.model(_STAND_IN)
    assert model is not None
    return model
