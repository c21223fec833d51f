"""``POST /v1/realtime/calls``: begins a call by WebRTC; ``…/{call_id}/hangup`` ends one."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.accounts.accounts import key_of
from mockserver.errors import ApiError
from mockserver.installation import importing
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.realtime.configuration.opening import DEFAULT_MODEL, configured
from mockserver.providers.openai.realtime.turns.session_log import SessionLog
from mockserver.providers.openai.realtime_calls.call_session import AnsweredCall, CallSession
from mockserver.providers.openai.realtime_calls.media_pace import MediaPace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime_calls.web_rtc.peer import Peer
    from mockserver.providers.openai.realtime_work.live_calls import LiveCall

_ANSWER_SECONDS = 20.0
_EXPOSED = "Location, X-Request-Id, CF-Ray"


def create_call(context: RealtimeContext, call: Call) -> Answer:
    """Answer the offer of a WebRTC connection, and begin its session. Raises ``ApiError``."""
    return begin_call(context, call)


def begin_call(context: RealtimeContext, call: Call, *, is_beta: bool = False) -> Answer:
    """Answer the offer of a WebRTC connection, and begin its session. Raises ``ApiError``."""
    config = configured(context, call, _session_of(context, call))
    check_room(context)
    peer = _new_peer(context)
    offer = partial(peer.answer, call.document["sdp"], needs_sound=call.strict)
    answer = context.live_calls.loop.run(offer, _ANSWER_SECONDS)
    log = SessionLog(call.request.secrets)
    call.recording = log.recording
    pace = None if call.settings.realtime_pacing == "real" else MediaPace()
    session = CallSession(context, call, config, peer, peer.transport, log, pace=pace)
    if is_beta:
        session.speak_beta()
    AnsweredCall(session, peer.transport).begin()
    headers = (
        ("location", f"/v1/realtime/calls/{session.call_id}"),
        ("access-control-expose-headers", _EXPOSED),
        ("access-control-allow-origin", "*"),
        ("timing-allow-origin", "*"),
    )
    return Answer(answer.encode(), "text/plain; charset=utf-8", headers=headers, status=201)


def hang_up_call(context: RealtimeContext, call: Call) -> Answer:
    """End a call, also one that still rings. Raises ``ApiError`` if there is none."""
    ringing = context.telephone.find(call.account.id, call.path["call_id"])
    (ringing or found_call(context, call)).hang_up()
    return Answer(b"", "")


def check_room(context: RealtimeContext) -> None:
    """Raise ``ApiError`` if too many calls are live."""
    most = context.settings.max_web_sockets
    if len(context.live_calls) >= most:
        raise ApiError("realtime_too_many_calls", most=most)


def found_call(context: RealtimeContext, call: Call) -> LiveCall:
    """Return the call that the path names. Raises ``ApiError`` if the account has no such call."""
    call_id = call.path["call_id"]
    found = context.live_calls.find(call.account.id, call_id)
    if found is None:
        raise ApiError("realtime_call_not_found", call_id=call_id)
    return found


def _session_of(context: RealtimeContext, call: Call) -> Mapping[str, Any]:
    """Return the configuration that a request asks for: its own members replace those of a client secret."""
    secret = context.client_secrets.find(key_of(call.request.headers))
    kept = secret.session if secret is not None else {"type": "realtime", "model": DEFAULT_MODEL}
    given = call.document.get("session") or {}
    named = {"model": call.document["model"]} if "model" in call.document else {}
    return {**kept, **named, **given}


def _new_peer(context: RealtimeContext) -> Peer:
    """Return the server's end of a new connection. Raises ``ApiError`` if aiortc is not installed."""
    try:
        with importing:
            from mockserver.providers.openai.realtime_calls.web_rtc.peer import Peer
    except ImportError as error:
        raise ApiError("realtime_webrtc_missing", reason=str(error)) from error
    return Peer(context.live_calls.loop, context.settings.host)
