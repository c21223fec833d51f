"""Makes errors of the catalog for stubs and faults, as if their causes had occurred."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.catalog.paths import with_version
from mockserver.errors import ApiError
from mockserver.limits.headers import go_duration, retry_headers

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.catalog.tables import Catalog
    from mockserver.errors import ErrorTable
    from mockserver.limits.limiter import Limiter
    from mockserver.pipeline.call import Call

_PLACEHOLDER = re.compile(r"{(\w+)}")
_STAND_IN = "gpt-4o-mini-transcribe"  # the model of a request that names none

# The limit that each error about limits reports as used up.
_LIMITED = {
    "rate_limit_requests": "requests",
    "rate_limit_tokens": "tokens",
    "rate_limit_images": "input-images",
    "rate_limit_audio_seconds": "audio-seconds",
    "request_too_large": "tokens",
}


class ScriptedErrors:
    """Makes errors of the catalog for calls, without their causes."""

    def __init__(self, errors: ErrorTable, limiter: Limiter, catalog: Catalog) -> None:
        self._errors = errors
        self._limiter = limiter
        self._catalog = catalog

    def make(
        self, call: Call, name: str | int, *, message: str | None = None, retry_after: float | None = None
    ) -> ApiError:
        """Return the error with a ``name`` or status, to be raised for ``call``.

        An error about limits reports those of the account for the model as if they were used up; nothing is charged.
        ``message`` replaces the whole message; ``retry_after`` is the time until the client should retry, in
        seconds. Raises ``ValueError`` for an unknown error.
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
            has_token_headers=call.operation.has_token_headers,
            overrides=call.settings.limits,
        )

    def _values(self, call: Call, name: str) -> dict[str, Any]:
        """Return the values for an error's message: from the call where they are known, else from an example."""
        examples: Mapping[str, Any] = self._errors.examples["values"].get(name, {})
        model = call.model.id if call.model else call.document.get("model")
        path = with_version(call.operation.path) if call.operation.is_versioned else call.operation.path
        known = {
            "model": model if isinstance(model, str) and model else _STAND_IN,
            "organization": call.account.organization,
            "project": call.account.project,
            "key": call.account.key,
            "endpoint": path,
            "method": call.operation.method,
            "path": path,
            "allowed": call.operation.method,
        }
        message = self._errors.rows[name]["message"]
        wanted = [placeholder for placeholder in _PLACEHOLDER.findall(message) if placeholder != "request_id"]
        return {each: examples.get(each, known.get(each, each)) for each in (*wanted, *examples)}

    def _model(self, call: Call) -> ModelCard:
        """Return the model with the limits that the error reports."""
        named = self._catalog.served(call.facts.model, call.account.id) if call.facts.model else None
        model = call.model or named or self._catalog.model(_STAND_IN)
        assert model is not None
        return model


def _set_retry_after(error: ApiError, seconds: float) -> None:
    """Set the time until the client should retry, in the message and the headers of an error."""
    milliseconds = round(seconds * 1000)
    retry = dict(retry_headers(milliseconds))
    changed = {}
    if "wait" in error.values:
        error.values["wait"] = go_duration(milliseconds)
        changed[f"x-ratelimit-reset-{_LIMITED[error.name]}"] = go_duration(milliseconds)
    others = ((name, changed.get(name, value)) for name, value in error.headers if name not in retry)
    error.headers = (*retry.items(), *others)
