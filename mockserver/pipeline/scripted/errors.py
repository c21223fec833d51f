"""Errors of the catalog on request: as if what they speak of had happened to the call."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.limits.durations import go_duration
from mockserver.limits.headers import retry_headers

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.catalog.tables import Catalog
    from mockserver.errors import ErrorTable
    from mockserver.limits.limiter import Limiter
    from mockserver.pipeline.call import Call

_PLACEHOLDER = re.compile(r"{(\w+)}")
_STAND_IN = "gpt-4o-mini-transcribe"  # the model of a request that names none

# What each error about limits says is used up.
_LIMITED = {
    "rate_limit_requests": "requests",
    "rate_limit_tokens": "tokens",
    "rate_limit_images": "input-images",
    "request_too_large": "tokens",
}


class ScriptedErrors:
    """Makes errors of the catalog for calls to which what they speak of has not happened."""

    def __init__(self, errors: ErrorTable, limiter: Limiter, catalog: Catalog) -> None:
        self._errors = errors
        self._limiter = limiter
        self._catalog = catalog

    def make(
        self, call: Call, name: str | int, *, message: str | None = None, retry_after: float | None = None
    ) -> ApiError:
        """Return the error of that name, or status, to be raised for ``call``.

        An error about limits tells the account's own on the model, as if they were used up; nothing is charged.
        ``message`` replaces the whole message; ``retry_after`` is the seconds after which the client is to try
        again. Raises ``ValueError`` for an unknown error.
        """
        name = self._errors.name_of(name)
        error = (
            self._limit_error(call, name) if name in _LIMITED else ApiError(name, **self._values(call, name))
        )
        if retry_after is not None:
            _set_retry_after(error, retry_after)
        if message is not None:
            error.changes["message"] = message
        return error

    def _limit_error(self, call: Call, name: str) -> ApiError:
        estimate = call.operation.estimate
        return self._limiter.refusal(
            name,
            call.account,
            self._model(call),
            max(1, estimate(call.document)) if estimate else 1,
            tells_tokens=call.operation.tells_tokens,
            overrides=call.settings.limits,
        )

    def _values(self, call: Call, name: str) -> dict[str, Any]:
        """Return what the message of an error names: of this call where it is known, else of an example."""
        examples: Mapping[str, Any] = self._errors.examples["values"].get(name, {})
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
        message = self._errors.rows[name]["message"]
        wanted = [placeholder for placeholder in _PLACEHOLDER.findall(message) if placeholder != "request_id"]
        return {each: examples.get(each, known.get(each, each)) for each in (*wanted, *examples)}

    def _model(self, call: Call) -> ModelCard:
        """Return the model whose limits are meant."""
        named = self._catalog.served(call.facts.model, call.account.id) if call.facts.model else None
        model = call.model or named or self._catalog.model(_STAND_IN)
        assert model is not None
        return model


def _set_retry_after(error: ApiError, seconds: float) -> None:
    """Have message and headers agree on when to try again."""
    milliseconds = round(seconds * 1000)
    retry = dict(retry_headers(milliseconds))
    changed = {}
    if "wait" in error.values:
        error.values["wait"] = go_duration(milliseconds)
        changed[f"x-ratelimit-reset-{_LIMITED[error.name]}"] = go_duration(milliseconds)
    others = ((name, changed.get(name, value)) for name, value in error.headers if name not in retry)
    error.headers = (*retry.items(), *others)
