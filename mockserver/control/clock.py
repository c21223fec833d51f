"""``/_mock/clock``: the clock that limits, timestamps and expiries read, to look at and to move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.control import requests as control

if TYPE_CHECKING:
    import flask

    from mockserver.services import Services

_LATEST = 32_503_680_000  # seconds since 1970: the year 3000


def register(app: flask.Flask, services: Services) -> None:
    """Adds ``GET`` and ``PUT /_mock/clock``."""
    clock = services.clock

    def state() -> flask.Response:
        return control.answer(clock.state())

    def change() -> flask.Response:
        asked = control.document(services, "clock")
        if "set" in asked:
            clock.set(float(asked["set"]))
        if "freeze" in asked:
            clock.freeze(asked["freeze"])
        if "scale" in asked:
            clock.set_scale(float(asked["scale"]))
        if "advance" in asked:
            if not 0 <= clock.now() + float(asked["advance"]) <= _LATEST:
                raise control.ControlError("advance: leads out of the years 1970 to 3000.")
            clock.advance(float(asked["advance"]))
        return state()

    app.add_url_rule("/_mock/clock", "mock_clock", state, methods=["GET"])
    app.add_url_rule("/_mock/clock", "mock_clock_change", change, methods=["PUT"])
