"""``POST /v1/realtime/client_secrets``: keys for browsers, each for sessions that are configured beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver import json_styles
from mockserver.pipeline.call import Answer, Call, json_answer
from mockserver.providers.openai.realtime.configuration.opening import DEFAULT_MODEL, configured
from mockserver.providers.openai.realtime.identifiers import RealtimeIds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.providers.openai.contexts import RealtimeContext

_SECONDS = 600  # that a secret is valid, unless the request says otherwise


def create_client_secret(context: RealtimeContext, call: Call) -> Answer:
    """Mint a client secret. Raises ``ApiError`` if its session cannot be configured so."""
    session = call.document.get("session") or {"type": "realtime", "model": DEFAULT_MODEL}
    config = configured(context, call, session)
    seconds = int((call.document.get("expires_after") or {}).get("seconds", _SECONDS))
    key, expires_at = context.client_secrets.mint(call.account, session, seconds)
    session_id = RealtimeIds(context.ids, context.clock.now()).session()
    shown = _with_idle_timeout(config.shown(session_id, 0))
    return json_answer({"value": key, "expires_at": expires_at, "session": shown}, json_styles.compact)


def _with_idle_timeout(session: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a session with ``idle_timeout_ms``, which transcription sessions show here, but not in events."""
    heard = session["audio"]["input"]
    detection = heard["turn_detection"]
    if session["type"] != "transcription" or detection is None or detection["type"] != "server_vad":
        return session
    heard = {**heard, "turn_detection": {**detection, "idle_timeout_ms": None}}
    return {**session, "audio": {**session["audio"], "input": heard}}
