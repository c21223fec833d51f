"""``/v1/models``: which models there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.gateway.calls import Answer, Call
from mockserver.gateway.errors import ApiError
from mockserver.wire import json_styles

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.services import Services


_EXAMPLE_CREATED = 1_686_935_002


def list_models(services: Services, call: Call) -> Answer:
    """Every model of the catalog."""
    data = [_object(card) for card in services.catalog.models]
    return _answer({"object": "list", "data": data})


def retrieve_model(services: Services, call: Call) -> Answer:
    """One model, by its own name or its alias."""
    card = services.catalog.model(call.path["id"])
    if card is not None:
        return _answer(_object(card))
    if call.strict:
        raise ApiError("model_object_not_found", model=call.path["id"])
    example = {
        "id": call.path["id"],
        "object": "model",
        "created": _EXAMPLE_CREATED,
        "owned_by": "system",
    }
    return _answer(example)


def delete_model(services: Services, call: Call) -> Answer:
    """Refused: only fine-tuned models can be deleted, and there are none."""
    name = call.path["id"]
    if services.catalog.model(name) is not None:
        raise ApiError("model_delete_forbidden")
    if call.strict:
        raise ApiError("model_object_not_found", model=name)
    return _answer({"id": name, "object": "model", "deleted": True})


def _object(card: ModelCard) -> dict[str, object]:
    return {
        "id": card.id,
        "object": "model",
        "created": card.created,
        "owned_by": card.owned_by,
        "shutdown_date": card.shutdown_date,
    }


def _answer(body: dict[str, object]) -> Answer:
    return Answer(json_styles.two_spaces(body), "application/json")
