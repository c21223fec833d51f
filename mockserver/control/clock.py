"""``/_mock/clock``: the clock that limits, timestamps and expiries read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.control.operation import ControlError

if TYPE_CHECKING:
    from mockserver.control.operation import Call, ControlContext

_LATEST = 32_503_680_000  # seconds since 1970: the year 3000


def show(server: ControlContext, _: Call) -> dict[str, Any]:
    """Return the time, whether it is frozen, and its scale."""
    return server.clock.state()


def change(server: ControlContext, call: Call) -> dict[str, Any]:
    """Set, freeze, scale and advance the clock, in this order."""
    clock, asked = server.clock, call.body
    if "set" in asked:
        clock.set(float(asked["set"]))
    if "freeze" in asked:
        clock.freeze(asked["freeze"])
    if "scale" in asked:
        clock.set_scale(float(asked["scale"]))
    if "advance" in asked:
        if not 0 <= clock.now() + float(asked["advance"]) <= _LATEST:
            raise ControlError("advance: leads out of the years 1970 to 3000.")
        clock.advance(float(asked["advance"]))
    return clock.state()
