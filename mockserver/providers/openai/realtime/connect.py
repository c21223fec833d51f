"""``GET /v1/realtime`` as a WebSocket: which session it opens, and how one is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.accounts.accounts import key_of
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer
from mockserver.pipeline.responses import SWITCHING
from mockserver.providers.openai.realtime.opening import configured, conversation, transcription
from mockserver.providers.openai.realtime.session import RealtimeSession
from mockserver.providers.openai.realtime.session_log import SessionLog

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.session_config import SessionConfig
    from mockserver.transport.web_sockets import WebSocket


def connect_realtime(context: RealtimeContext, call: Call) -> Answer:
    """Accept the WebSocket, and begin the session. Raises ``ApiError`` for a session that cannot be."""
    adapter = call.web_socket
    assert adapter is not None
    config = _config(context, call)
    log = SessionLog(call.request.secrets)

    def serve(web_socket: WebSocket) -> None:
        RealtimeSession(context, call, config, web_socket, log=log).run()

    call.recording = log.recording
    return Answer(b"", "", headers=adapter.accept(serve), status=SWITCHING)


def _config(context: RealtimeContext, call: Call) -> SessionConfig:
    """Return the configuration with which the session begins. Raises ``ApiError``."""
    query = call.request.query
    secret = context.client_secrets.find(key_of(call.request.headers))
    if secret is not None:
        named = {"model": query["model"]} if "model" in query and secret.session["type"] == "realtime" else {}
        return configured(context, call, {**secret.session, **named})
    if query.get("intent") == "transcription":
        return transcription(context, call)
    if "model" not in query:
        raise ApiError("realtime_missing_model")
    return conversation(context, call, query["model"])
