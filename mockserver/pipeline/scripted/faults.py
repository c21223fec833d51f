"""Applies a fault to a request before it is handled, and to its reply.

The kinds of faults are in ``scripting.faults.kinds``.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mockserver.scripting.faults.kinds import KINDS
from mockserver.scripting.faults.targets import Arrival, Breakable

if TYPE_CHECKING:
    import threading

    from mockserver.pipeline.call import Call
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.responses import Reply
    from mockserver.pipeline.scripted.errors import ScriptedErrors
    from mockserver.scripting.faults.fault import Fault
    from mockserver.scripting.faults.targets import Failure


def apply_before(fault: Fault, call: Call, errors: ScriptedErrors, closing: threading.Event) -> None:
    """Apply the part of ``fault`` that takes effect before the request is handled.

    Raises ``ApiError`` for an error, and ``ConnectionResetError`` if it ends the connection.
    """
    act = KINDS[fault.kind].before
    if act is not None:
        refusal = partial(
            errors.make, call, fault.error, message=fault.message, retry_after=fault.retry_after
        )
        act(Arrival(fault, call.request.connection, closing, call.slot.release, refusal))


def apply_to_reply(
    fault: Fault, reply: Reply, request: Request, closing: threading.Event, failure: Failure
) -> Reply:
    """Break the reply as ``fault`` says, and return it. A fault that does not fit changes nothing.

    ``failure`` returns the events that report an error in the middle of the endpoint's streams.
    """
    breaks = KINDS[fault.kind].breaks
    broken = breaks(_breakable(fault, reply, request, closing, failure)) if breaks else None
    if broken is not None:
        close = getattr(reply.body, "close", None)
        if close is not None:
            reply.call_on_close(close)
        reply.body = broken
    return reply


def _breakable(
    fault: Fault, reply: Reply, request: Request, closing: threading.Event, failure: Failure
) -> Breakable:
    whole, pieces = (reply.body, [reply.body]) if isinstance(reply.body, bytes) else (None, reply.body)

    def announce(length: int) -> None:
        reply.headers["Content-Length"] = str(length)

    return Breakable(
        fault,
        request.connection,
        closing,
        whole,
        iter(pieces),
        reply.media_type,
        reply.is_json,
        is_chunked="Content-Length" not in reply.headers and request.protocol == "HTTP/1.1",
        announce=announce,
        failure=failure,
    )
