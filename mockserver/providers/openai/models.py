"""``/v1/models``: the models that the account can use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver import json_styles
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.pipeline.models import is_retired, today
from mockserver.providers.openai.model_list import model_object

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import ModelsContext


_EXAMPLE_CREATED = 1_686_935_002


def list_models(context: ModelsContext, call: Call) -> Answer:
    """Return the models of the catalog and of the configuration, without retired ones if these are refused."""
    body = context.model_list.body(context.catalog.models_of(call.account.id), _today(context, call))
    return Answer(body, "application/json", is_shared=True)


def retrieve_model(context: ModelsContext, call: Call) -> Answer:
    """Return a model by its name or alias."""
    card = context.catalog.model(call.path["id"], call.account.id)
    if card is not None and not is_retired(card, _today(context, call)):
        return _answer(model_object(card))
    if call.strict:
        raise ApiError("model_object_not_found", model=call.path["id"])
    example = {
        "id": call.path["id"],
        "object": "model",
        "created": _EXAMPLE_CREATED,
        "owned_by": "system",
    }
    return _answer(example)


def delete_model(context: ModelsContext, call: Call) -> Answer:
    """Delete a fine-tuned model of the configuration for this account. Raises ``ApiError`` for any other model."""
    name = call.path["id"]
    card = context.catalog.model(name, call.account.id)
    if card is not None and card.configured and card.is_fine_tuned:
        context.catalog.own_models.delete(name, call.account.id)
        return _answer({"id": name, "object": "model", "deleted": True})
    if card is not None:
        raise ApiError("model_delete_forbidden")
    if call.strict:
        raise ApiError("model_object_not_found", model=name)
    return _answer({"id": name, "object": "model", "deleted": True})


def _today(context: ModelsContext, call: Call) -> str:
    """Return the date by which models are retired; empty if they go on answering."""
    return today(context.clock) if call.settings.retire_models else ""


def _answer(body: dict[str, object]) -> Answer:
    return json_answer(body, json_styles.two_spaces)
