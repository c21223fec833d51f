"""The configuration with which a session begins: by its model, or as a client secret or a call configures it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.session_config import SessionConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.providers.openai.contexts import RealtimeContext

DEFAULT_MODEL = "gpt-realtime"  # of conversations whose configuration names none


def conversation(context: RealtimeContext, account_id: str, model: str) -> SessionConfig:
    """Return the configuration of a conversation with a model. Raises ``ApiError`` if it is none for conversations."""
    find = partial(context.catalog.model, account_id=account_id)
    found = find(model)
    if found is None or found.realtime is None:
        raise ApiError("realtime_invalid_model", model=model)
    return SessionConfig.of_conversation(model, found, find, context.catalog.realtime_instructions)


def transcription(context: RealtimeContext, account_id: str) -> SessionConfig:
    """Return the configuration of a transcription session."""
    return SessionConfig.of_transcription(partial(context.catalog.model, account_id=account_id))


def configured(context: RealtimeContext, account_id: str, session: Mapping[str, Any]) -> SessionConfig:
    """Return the configuration that a ``session`` describes, the one of an update, with its ``type``.

    Raises ``ApiError``.
    """
    if session["type"] == "transcription":
        config = transcription(context, account_id)
    else:
        config = conversation(context, account_id, session.get("model") or DEFAULT_MODEL)
    config.update(session)
    return config
