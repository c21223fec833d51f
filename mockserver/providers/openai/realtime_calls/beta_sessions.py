"""The beta's calls over HTTP, with the setting ``realtime_beta``: sessions with client secrets, and WebRTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.realtime import beta_shapes as shapes
from mockserver.providers.openai.realtime.configuration.opening import DEFAULT_MODEL, configured
from mockserver.providers.openai.realtime.identifiers import RealtimeIds
from mockserver.providers.openai.realtime_calls.calls import begin_call

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import RealtimeContext

_SECONDS = {
    "realtime": 60,
    "transcription": 600,
}  # that a client secret is valid (API reference, default TTL)


def create_session(context: RealtimeContext, call: Call) -> Answer:
    """Configure a conversation, and mint a client secret for it. Raises ``ApiError``."""
    _check_served(call)
    given = {"model": DEFAULT_MODEL, **call.document}
    shown = _opened(context, call, given, "realtime")
    return json_answer(shown)


def create_transcription_session(context: RealtimeContext, call: Call) -> Answer:
    """Configure a transcription session, and mint a client secret for it. Raises ``ApiError``."""
    _check_served(call)
    shown = _opened(context, call, call.document, "transcription")
    return json_answer({**shown, "modalities": call.document.get("modalities", ["audio", "text"])})


def create_call(context: RealtimeContext, call: Call) -> Answer:
    """Begin a call by WebRTC, whose session speaks the beta. Raises ``ApiError``."""
    _check_served(call)
    return begin_call(context, call, is_beta=True)


def _check_served(call: Call) -> None:
    if not call.settings.realtime_beta:
        raise ApiError("realtime_beta_disabled")


def _opened(
    context: RealtimeContext, call: Call, given: dict[str, Any], kind: Literal["realtime", "transcription"]
) -> dict[str, Any]:
    """Return a new session with its client secret."""
    session = shapes.configured(given, "session", kind)
    config = configured(context, call, session)
    expiry = (given.get("client_secret") or {}).get("expires_after") or {}
    key, expires_at = context.client_secrets.mint(
        call.account, session, int(expiry.get("seconds", _SECONDS[kind]))
    )
    session_id = RealtimeIds(context.ids, context.clock.now()).session()
    temperature = given.get("temperature", shapes.TEMPERATURE)
    shown = shapes.shown_session(config.shown(session_id, 0), temperature)
    return shown | {"client_secret": {"value": key, "expires_at": expires_at}}
