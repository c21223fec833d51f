"""The body of ``GET /v1/models``, and the objects of models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver import json_styles
from mockserver.pipeline.models import is_retired

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard


class ModelList:
    """The body of ``GET /v1/models``, which is rendered anew only when other models are listed."""

    def __init__(self) -> None:
        self._rendered: tuple[object, bytes] = None, b""

    def body(self, models: tuple[ModelCard, ...], date: str) -> bytes:
        """Return the list of ``models`` without those that are retired on a ``date``; an empty one keeps all."""
        listed, body = self._rendered
        if listed != (models, date):
            data = [model_object(card) for card in models if not is_retired(card, date)]
            body = json_styles.two_spaces({"object": "list", "data": data})
            self._rendered = (models, date), body
        return body


def model_object(card: ModelCard) -> dict[str, object]:
    """Return a model as the API shows it."""
    return {
        "id": card.id,
        "object": "model",
        "created": card.created,
        "owned_by": card.owned_by,
        "shutdown_date": card.shutdown_date,
    }
