"""Finds the model of a request and checks that the account may use it and that it serves the endpoint."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.wording import cut

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.provider import Provider

_RESPONSES = "v1/responses"


def find_model(catalog: Catalog, clock: Clock, provider: Provider, call: Call) -> ApiError | None:
    """Set the ``model`` of a call, unless the provider did.

    In strictness ``real``, return the refusal of a model that is not available.
    """
    name = call.document.get("model", call.operation.default_model)
    if not name and call.settings.strictness != "off" and not call.operation.model_last:
        return ApiError("missing_model")
    if isinstance(name, str) and call.model is None:
        call.model = catalog.served(name, call.account.id)
    if call.strict and isinstance(name, str):
        return _refusal(clock, provider, call, name)
    if call.model is None or call.operation.endpoint not in call.model.endpoints:
        call.model = catalog.model_for(call.operation.endpoint)
    return None


def _refusal(clock: Clock, provider: Provider, call: Call, name: str) -> ApiError | None:
    if call.model is None:
        return provider.unknown_model(call, cut(name))
    refusal = unavailable(call.model, clock, call)
    if refusal is None and call.operation.endpoint not in call.model.endpoints:
        return provider.unserved_model(call, cut(name))
    return refusal


def unavailable(model: ModelCard, clock: Clock, call: Call) -> ApiError | None:
    """Return the refusal of a model that the account may not use, or that is retired."""
    if not call.account.may_use(model.id, model.alias_of):
        return ApiError("model_not_allowed", project=call.account.project, model=model.id)
    if call.settings.retire_models and is_retired(model, today(clock)):
        return ApiError("model_retired", model=model.id)
    return None


def check_kind(call: Call) -> None:
    """Raise ``ApiError`` for a model that does not serve the endpoint, in strictness ``real``.

    The service refuses it after it has charged the request: the refusal has rate-limit headers.
    """
    if call.strict and call.model is not None and call.operation.endpoint not in call.model.endpoints:
        refuse = call.operation.wrong_model or _wrong_for_chat
        raise ApiError(refuse(call.model))


def _wrong_for_chat(model: ModelCard) -> str:
    return "model_for_responses" if _RESPONSES in model.endpoints else "model_not_for_chat"


def today(clock: Clock) -> str:
    """Return the date of the server's clock in UTC: ``2026-12-01``."""
    return datetime.fromtimestamp(clock.now(), UTC).date().isoformat()


def is_retired(model: ModelCard, date: str) -> bool:
    """Return whether the model's announced shutdown date is reached on a ``date`` (``2026-12-01``)."""
    return model.shutdown_date is not None and model.shutdown_date <= date
