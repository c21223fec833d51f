"""Which model a request is for: whether there is one, the account may use it, and it serves the endpoint."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mockserver.catalog.own_models import how_to_add
from mockserver.gateway.errors import ApiError
from mockserver.gateway.responses import logged
from mockserver.gateway.wording import cut

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.gateway.calls import Call
    from mockserver.services import Services

log = logging.getLogger(__name__)

_RESPONSES = "v1/responses"


def find_model(services: Services, call: Call) -> None:
    """Finds the call's ``model``. Raises ``ApiError`` where it cannot be had, in strictness ``real``."""
    name = call.document.get("model")
    if not name and call.settings.strictness != "off":
        raise ApiError("missing_model")
    catalog = services.catalog
    if isinstance(name, str):
        call.model = catalog.served(name, call.account.id)
    if call.strict and isinstance(name, str):
        if call.model is None:
            raise _no_such_model(services, call, name)
        _check_access(services, call, call.model)
        if call.operation.endpoint not in call.model.endpoints:
            if call.operation.provider != "openai":
                raise _no_such_model(services, call, name)
            if call.operation.is_audio:  # the gateway goes by the model: its service has no such path
                raise ApiError("unknown_url", method="POST", path=f"/{call.operation.endpoint}")
    elif call.model is None or call.operation.endpoint not in call.model.endpoints:
        call.model = catalog.model_for(call.operation.endpoint)


def check_kind(call: Call) -> None:
    """Raises ``ApiError`` for a model that is not one of chats, where one is wanted, in strictness ``real``.

    The service refuses it after it has charged the request: its answer has rate-limit headers.
    """
    if call.strict and call.model is not None and call.operation.endpoint not in call.model.endpoints:
        raise ApiError("model_for_responses" if _RESPONSES in call.model.endpoints else "model_not_for_chat")


def is_retired(services: Services, model: ModelCard) -> bool:
    """Return whether the model's announced shutdown date has come, by the server's clock."""
    today = datetime.fromtimestamp(services.clock.now(), UTC).date().isoformat()
    return model.shutdown_date is not None and model.shutdown_date <= today


def _no_such_model(services: Services, call: Call, name: str) -> ApiError:
    name = cut(name)
    if call.operation.provider == "openai":
        if services.notices.is_new(f"model {name}"):
            log.warning("%s", how_to_add(logged(name)))
        return ApiError("model_not_found", model=name)
    from mockserver.gateway import zod

    offers = services.catalog.offers.items()
    known = [each for each, model in offers if call.operation.endpoint in model.endpoints]
    return ApiError("model_not_found", model=name, details=zod.no_such_value("model", known, name))


def _check_access(services: Services, call: Call, model: ModelCard) -> None:
    if not call.account.may_use(model.id, model.alias_of):
        raise ApiError("model_not_allowed", project=call.account.project, model=model.id)
    if call.settings.retire_models and is_retired(services, model):
        raise ApiError("model_retired", model=model.id)
