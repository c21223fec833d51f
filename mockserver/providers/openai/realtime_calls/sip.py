"""``POST /v1/realtime/calls/{call_id}/accept``, ``…/reject`` and ``…/refer``: incoming telephone calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.realtime.configuration.opening import configured
from mockserver.providers.openai.realtime.turns.session_log import SessionLog
from mockserver.providers.openai.realtime_calls.call_session import AnsweredCall, CallSession
from mockserver.providers.openai.realtime_calls.calls import check_room, found_call
from mockserver.providers.openai.realtime_calls.lines import CallTransport, Heard, Pressed
from mockserver.telephone import TelephoneError, Wires

if TYPE_CHECKING:
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.telephone import IncomingCall

_DECLINE = 603  # the SIP response code of a rejection that gives none


def accept_call(context: RealtimeContext, call: Call) -> Answer:
    """Answer a call that rings, and begin its session. Raises ``ApiError``."""
    incoming = _incoming(context, call)
    config = configured(context, call, call.document)
    check_room(context)
    transport, log = CallTransport(incoming), SessionLog(call.request.secrets)
    session = CallSession(context, call, config, incoming, transport, log, call_id=incoming.id)
    wires = Wires(
        lambda pcm: transport.put(Heard(pcm)), lambda key: transport.put(Pressed(key)), transport.abort
    )
    try:
        incoming.answer(wires)
    except TelephoneError as error:
        raise ApiError("realtime_call_not_ringing", call_id=incoming.id) from error
    call.recording = log.recording
    AnsweredCall(session, transport).begin()
    return Answer(b"", "")


def reject_call(context: RealtimeContext, call: Call) -> Answer:
    """Refuse a call that rings. Raises ``ApiError``."""
    incoming = _incoming(context, call)
    try:
        incoming.reject(call.document.get("status_code", _DECLINE))
    except TelephoneError as error:
        raise ApiError("realtime_call_not_ringing", call_id=incoming.id) from error
    return Answer(b"", "")


def refer_call(context: RealtimeContext, call: Call) -> Answer:
    """Send the caller elsewhere, which ends the session. Raises ``ApiError``."""
    incoming = _incoming(context, call)
    try:
        incoming.refer(call.document["target_uri"])
    except TelephoneError as error:
        raise ApiError("realtime_call_not_answered", call_id=incoming.id) from error
    return Answer(b"", "")


def _incoming(context: RealtimeContext, call: Call) -> IncomingCall:
    """Return the telephone call that the path names. Raises ``ApiError``."""
    incoming = context.telephone.find(call.account.id, call.path["call_id"])
    if incoming is None:
        raise ApiError("realtime_call_no_sip", call_id=found_call(context, call).id)
    return incoming
