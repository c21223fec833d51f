"""``GET /v1/realtime`` as a WebSocket: which session it opens, and how one is refused."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer
from mockserver.pipeline.responses import SWITCHING
from mockserver.providers.openai.realtime.session import RealtimeSession
from mockserver.providers.openai.realtime.session_config import SessionConfig

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.transport.web_sockets import WebSocket


def connect_realtime(context: RealtimeContext, call: Call) -> Answer:
    """Accept the WebSocket, and begin the session. Raises ``ApiError`` for a session that cannot be."""
    adapter = call.web_socket
    assert adapter is not None
    config = _config(context, call)

    def serve(web_socket: WebSocket) -> None:
        RealtimeSession(context, call, config, web_socket).run()

    return Answer(b"", "", headers=adapter.accept(serve), status=SWITCHING)


def _config(context: RealtimeContext, call: Call) -> SessionConfig:
    """Return the configuration with which the session begins. Raises ``ApiError``."""
    query = call.request.query

    def find(name: str) -> ModelCard | None:
        return context.catalog.model(name, call.account.id)

    if query.get("intent") == "transcription":
        return SessionConfig.of_transcription(find)
    with suppress(KeyError):
        model = find(query["model"])
        if model is None or model.realtime is None:
            raise ApiError("realtime_invalid_model", model=query["model"])
        return SessionConfig.of_conversation(
            query["model"], model, find, context.catalog.realtime_instructions
        )
    raise ApiError("realtime_missing_model")
