"""``GET /v1/realtime`` as a WebSocket: which session it opens, and how one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.accounts.accounts import key_of
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer
from mockserver.pipeline.models import unavailable
from mockserver.pipeline.responses import SWITCHING
from mockserver.providers.openai.realtime.configuration.opening import (
    DEFAULT_MODEL,
    configured,
    conversation,
    model_named,
    transcription,
)
from mockserver.providers.openai.realtime.session import RealtimeSession
from mockserver.providers.openai.realtime.turns.session_log import SessionLog
from mockserver.telephone import RINGING
from mockserver.wording import cut

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.request import RequestHeaders
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.configuration.session_config import SessionConfig
    from mockserver.providers.openai.realtime_work.live_calls import LiveCall
    from mockserver.transport.web_sockets import WebSocket

_TRANSCRIPTION = "transcription"  # the ``intent`` of a transcription session
_BETA, _BETA_PROTOCOL = "realtime=v1", "openai-beta.realtime-v1"
_KEY_PROTOCOL = "openai-insecure-api-key."


def connect_realtime(context: RealtimeContext, call: Call) -> Answer:
    """Accept the WebSocket, and begin the session. Raises ``ApiError`` for a session that cannot be."""
    adapter = call.web_socket
    assert adapter is not None
    call_id = call.request.query.get("call_id")
    if call_id is not None:
        take_part, lost = _answered_call(context, call, call_id).join()
        try:
            return Answer(b"", "", headers=adapter.accept(take_part, lost=lost), status=SWITCHING)
        except ApiError:
            lost()
            raise
    config = _config(context, call)
    log = SessionLog(call.request.secrets)

    def serve(web_socket: WebSocket) -> None:
        try:
            session = RealtimeSession(context, call, config, web_socket, log=log)
            if asks_for_beta(call.request.headers):
                session.speak_beta()
            session.run()
        finally:
            log.end(by_client=False)  # if it could not begin

    call.recording = log.recording
    headers = adapter.accept(serve, lost=lambda: log.recording.end(True))
    return Answer(b"", "", headers=headers, status=SWITCHING)


def _answered_call(context: RealtimeContext, call: Call, call_id: str) -> LiveCall:
    """Return the call that a second connection takes part in. Raises ``ApiError``."""
    live = context.live_calls.find(call.account.id, call_id)
    if live is not None:
        return live
    incoming = context.telephone.find(call.account.id, call_id)
    is_ringing = incoming is not None and incoming.status == RINGING
    raise ApiError(f"realtime_call_not_{'answered' if is_ringing else 'found'}", call_id=call_id)


def _config(context: RealtimeContext, call: Call) -> SessionConfig:
    """Return the configuration with which the session begins. Raises ``ApiError``."""
    query, headers, model = call.request.query, call.request.headers, _model_name(call)
    if is_given_twice(headers):
        raise ApiError("realtime_key_twice")
    if asks_for_beta(headers) and not call.settings.realtime_beta:
        raise ApiError("realtime_beta_disabled")
    secret = context.client_secrets.find(key_of(headers))
    if secret is not None:
        named = {"model": model} if model and secret.session["type"] == "realtime" else {}
        config = configured(context, call, {**secret.session, **named})
    elif query.get("intent") == _TRANSCRIPTION:
        config = _transcription(context, call)
    elif model:
        config = _conversation(context, call, model)
    elif call.settings.strictness == "off":
        config = conversation(context, call, DEFAULT_MODEL)
    else:
        raise ApiError("realtime_missing_model")
    if config.model is not None and call.strict:
        _check_access(context, call, config.model)
    return config


def _model_name(call: Call) -> str:
    """Return the model that the URL names, or the deployment; empty if it names none."""
    return call.path.get("deployment") or call.request.query.get("model") or ""


def _transcription(context: RealtimeContext, call: Call) -> SessionConfig:
    """Return the configuration of a transcription session. Raises ``ApiError``.

    The API refuses any model here, but there are clients that name one of transcription to all other servers.
    """
    name = _model_name(call)
    if name:
        model = model_named(context, call, name)
        if call.strict and (model is None or model.live_transcription is None):
            raise ApiError("realtime_model_not_for_transcription", model=cut(name))
    return transcription(context, call)


def _conversation(context: RealtimeContext, call: Call, name: str) -> SessionConfig:
    """Return the configuration of a conversation with a model. Raises ``ApiError``."""
    model = model_named(context, call, name)
    if model is not None and model.realtime is None and model.live_transcription is not None:
        raise ApiError("realtime_transcription_model", model=cut(name))
    if (model is None or model.realtime is None) and not call.strict:
        return conversation(context, call, DEFAULT_MODEL)
    return conversation(context, call, name)


def _check_access(context: RealtimeContext, call: Call, model: ModelCard) -> None:
    """Raise ``ApiError`` for a model that the account may not use, or that is shut down."""
    if unavailable(model, context.clock, call) is not None:
        raise ApiError("realtime_model_not_found", model=model.id)
    if context.settings.rate_limits:
        try:
            context.limiter.policy.limits(call.account, model, call.settings.limits)
        except ApiError as error:  # the tier may not use it
            raise ApiError("realtime_model_not_found", model=model.id) from error


def asks_for_beta(headers: RequestHeaders) -> bool:
    """Return whether a handshake asks for the beta of the Realtime API."""
    return _BETA in headers.get("openai-beta", "") or _BETA_PROTOCOL in _offered(headers)


def is_given_twice(headers: RequestHeaders) -> bool:
    """Return whether a key is given in ``Authorization`` and by a subprotocol."""
    return bool(headers.get("authorization")) and any(
        each.startswith(_KEY_PROTOCOL) for each in _offered(headers)
    )


def _offered(headers: RequestHeaders) -> list[str]:
    """Return the subprotocols that a client offers."""
    return [each.strip() for each in headers.get("sec-websocket-protocol", "").split(",")]
