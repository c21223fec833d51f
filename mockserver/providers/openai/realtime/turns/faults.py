"""The effect of faults on a turn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime.turns.turn import FAILED, SERVER_ERROR
from mockserver.scripting.faults.fault import ERROR
from mockserver.scripting.faults.session_kinds import FAILED_RESPONSE

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.providers.openai.realtime.turns.turn import Turn
    from mockserver.scripting.faults.fault import Fault

_DELAY = 1.0  # seconds, unless the fault sets them


def apply(
    fault: Fault,
    turn: Turn,
    refusal: Callable[[], ApiError],
    break_session: Callable[[Fault], None],
) -> None:
    """Apply a fault to a turn that begins; ``break_session`` applies it to the session.

    Raises ``ApiError`` for an error, and ``OSError`` if it ends the connection.
    """
    if fault.kind == ERROR:
        raise refusal()
    if fault.kind == FAILED_RESPONSE:
        raise failed(fault.code, fault.message)
    if fault.kind == "latency":
        seconds = _DELAY if fault.seconds is None else fault.seconds
        turn.delay_ms = 1000 * seconds * (1 + fault.jitter * fault.chance("jitter").uniform(-1, 1))
    elif fault.kind == "hang":
        turn.is_silent = True
    else:
        break_session(fault)


def failed(code: str, message: str | None) -> ApiError:
    """Return the error with which a response or a transcription fails."""
    error = ApiError(SERVER_ERROR)
    is_server_error = code == SERVER_ERROR
    error.changes |= {
        "type": SERVER_ERROR if is_server_error else "invalid_request_error",
        "code": None if is_server_error else code,
    }
    if message is not None or not is_server_error:
        error.changes["message"] = message or FAILED
    return error
