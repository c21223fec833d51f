"""``POST /_mock/reset``: back to how it was at the start, for one account or for all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.control.operation import Call, ControlContext


def reset(server: ControlContext, call: Call) -> dict[str, Any]:
    """Reset the parts that the call names; without names all, but of one account only what is its own."""
    shared: dict[str, Callable[[], None]] = {"spoken": server.spoken.forget, "clock": server.clock.reset}
    names = call.body.get("what") or [*server.resettable, *(() if call.account else shared)]
    for name in names:
        if name in server.resettable:
            server.resettable[name].reset(call.account_id)
        else:
            shared[name]()
    return {"reset": names, "account": call.account.key if call.account else None}
