"""The forms of OpenAI's refusals, which differ by the service that refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from mockserver import json_styles
from mockserver.errors import ApiError, ErrorTable, Refusal

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.pipeline.operation import Operation

# The values of ``Operation.refuses``: endpoints that refuse keys, or anything, in a form of their own.
AUDIO, BEARER, REALTIME, RESPONSES = "audio", "bearer", "realtime", "responses"


def wrong_for_embeddings(model: ModelCard) -> str:
    """Return the error of a model that embeds nothing."""
    return "model_not_for_embeddings"


def wrong_for_moderations(model: ModelCard) -> str:
    """Return the error of a model that judges nothing."""
    return "model_not_for_moderation"


def wrong_for_completions(model: ModelCard) -> str:
    """Return the error of a model that completes no texts."""
    return "model_for_chat" if model.chat or model.responses else "model_not_for_sampling"


def refusal(
    errors: ErrorTable, error: ApiError, operation: Operation, *, is_whisper: bool, newline: bool
) -> Refusal:
    """Return the response to ``error``.

    ``is_whisper`` is true if the model is served by Whisper's service. With ``newline``, refusals of services behind
    the gateway end with a line feed.
    """
    form, row = operation.refuses, errors.rows[error.name]
    if row["origin"] == "gateway" and row["status"] == 401 and form:
        return _from_audio_gateway(errors, error) if form == AUDIO else _asking_for_bearer(errors, error)
    if row["origin"] != "gateway" and (is_whisper or (row["origin"] == "whisper" and form == AUDIO)):
        return _from_whisper(row["status"], errors.fields(error))
    if form == RESPONSES:
        return _of_responses(row, errors.fields(error))
    found = errors.refusal(error)
    return replace(found, body=found.body + b"\n") if newline and not found.from_gateway else found


def _of_responses(row: Mapping[str, Any], fields: dict[str, object]) -> Refusal:
    """Return the response, which has the same form whether the gateway refuses or the service."""
    body = json_styles.two_spaces_ascii({"error": fields})
    return Refusal(row["status"], body, "application/json", from_gateway=row["origin"] == "gateway")


def _asking_for_bearer(errors: ErrorTable, error: ApiError) -> Refusal:
    named = error
    if error.name == "missing_api_key":
        named = ApiError("missing_bearer")
        named.changes = error.changes
    body = json_styles.two_spaces({"error": errors.fields(named)})
    asking = (("www-authenticate", 'Bearer realm="OpenAI API"'),)
    return Refusal(401, body, "application/json", asking, from_gateway=True)


def _from_audio_gateway(errors: ErrorTable, error: ApiError) -> Refusal:
    fields = errors.fields(error)
    ordered = {name: fields[name] for name in ("message", "type", "code", "param")}
    body = json_styles.two_spaces({"error": ordered, "status": 401})
    return Refusal(401, body, "text/plain", from_gateway=True)


def _from_whisper(status: int, fields: dict[str, object]) -> Refusal:
    body = {"error": fields, "usage": {"type": "duration", "seconds": 0}}
    return Refusal(status, json_styles.compact(body), "application/json")
