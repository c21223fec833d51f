"""``POST /_mock/reset``: back to how it was at the start, for one account or for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.control import requests as control
from mockserver.control.resettable import parts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import flask

    from mockserver.services import Services


def register(app: flask.Flask, services: Services) -> None:
    """Adds ``POST /_mock/reset``."""
    shared: dict[str, Callable[[], None]] = {
        "spoken": services.spoken.forget,
        "clock": services.clock.reset,
    }

    def reset() -> flask.Response:
        account, asked = control.caller(services), control.document(services, "reset", may_be_empty=True)
        account_id, parts = account.id if account else None, parts_of(services)
        what = asked.get("what") or [*parts, *(() if account else shared)]
        for name in what:
            if name in parts:
                parts[name].reset(account_id)
            else:
                shared[name]()
        return control.answer({"reset": what, "account": account.key if account else None})

    app.add_url_rule("/_mock/reset", "mock_reset", reset, methods=["POST"])
