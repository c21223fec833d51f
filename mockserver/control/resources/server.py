"""``/_mock/clock`` and ``/_mock/shutdown``: the server as a whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.control.operation import ControlError, answer

if TYPE_CHECKING:
    import flask

    from mockserver.control.contexts import ServerContext
    from mockserver.control.operation import Call

_LATEST_TIME = 32_503_680_000  # seconds since 1970: the year 3000


def show_clock(context: ServerContext, _: Call) -> dict[str, Any]:
    """Return the time, whether it is frozen, and its scale."""
    return context.clock.state()


def change_clock(context: ServerContext, call: Call) -> dict[str, Any]:
    """Set, freeze, scale and advance the clock, in this order."""
    clock, asked = context.clock, call.body
    if "set" in asked:
        clock.set(float(asked["set"]))
    if "freeze" in asked:
        clock.freeze(asked["freeze"])
    if "scale" in asked:
        clock.set_scale(float(asked["scale"]))
    if "advance" in asked:
        if not 0 <= clock.now() + float(asked["advance"]) <= _LATEST_TIME:
            raise ControlError("advance: the time must stay within the years 1970 to 3000.")
        clock.advance(float(asked["advance"]))
    return clock.state()


def shut_down(context: ServerContext, call: Call) -> dict[str, Any] | flask.Response:
    """End the server after the requests in flight, if the settings and the hosting program allow it."""
    if not context.settings.allow_shutdown:
        message = "Shutdown is disabled. Start the server with --allow-shutdown to enable it."
        return answer({"error": message}, 403)
    if call.shutdown is None:
        message = "The program that hosts this app does not support shutdown. End that program."
        return answer({"error": message}, 501)
    call.shutdown()
    return {"status": "stopping"}
