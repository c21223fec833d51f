"""The configuration with which a session begins: by its model, or as a client secret or a call configures it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.providers.openai.audio.voices import check_speaks
from mockserver.providers.openai.realtime.configuration.client_events import valid_session
from mockserver.providers.openai.realtime.configuration.rules import Basis
from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig
from mockserver.wording import cut

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.catalog.records import ModelCard
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext

DEFAULT_MODEL = "gpt-realtime"  # of conversations whose configuration names none
_TRANSCRIBER = "gpt-4o-transcribe"  # in place of unknown models, if they are not refused
_LANGUAGES, _HINTS = (
    "whisper",
    "gpt-transcribe",
)  # the families whose codes ``language`` and ``languages`` have


def conversation(context: RealtimeContext, call: Call, model: str) -> SessionConfig:
    """Return the configuration of a conversation with a model. Raises ``ApiError`` if it is none for conversations."""
    basis = _basis(context, call)
    found = basis.find_model(model)
    if found is None or found.realtime is None:
        raise ApiError("realtime_invalid_model", model=cut(model))
    return SessionConfig.of_conversation(model, found, basis)


def transcription(context: RealtimeContext, call: Call) -> SessionConfig:
    """Return the configuration of a transcription session."""
    return SessionConfig.of_transcription(_basis(context, call))


def configured(context: RealtimeContext, call: Call, session: Mapping[str, Any]) -> SessionConfig:
    """Return the configuration that a ``session`` describes, the one of an update, with its ``type``.

    Raises ``ApiError``.
    """
    session = valid_session(session, context.request_schemas, call.settings.strictness)
    if session["type"] == "transcription":
        config = transcription(context, call)
    else:
        config = conversation(context, call, session.get("model", DEFAULT_MODEL))
    config.update(session)
    return config


def model_named(context: RealtimeContext, call: Call, name: str) -> ModelCard | None:
    """Return the model with a name, which can be a deployment; ``None`` if there is none."""
    if call.find_model is not None:
        return call.find_model(name)
    return context.catalog.model(name, call.account.id)


def _basis(context: RealtimeContext, call: Call) -> Basis:
    """Return what the configurations of sessions of the caller's account are based on."""
    transcriber = context.catalog.model(_TRANSCRIBER)
    assert transcriber is not None
    return Basis(
        partial(model_named, context, call),
        transcriber,
        context.catalog.realtime_instructions,
        context.catalog.language_codes(_LANGUAGES),
        partial(context.catalog.accepts_language, _HINTS),
        lambda voice, param: check_speaks(context.store, call, voice, param=param),
        call.strict,
    )
