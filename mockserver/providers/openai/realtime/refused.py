"""Refuses sessions as the API does: the WebSocket is opened, gets one ``error`` event, and is closed."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.pipeline.responses import SWITCHING, Reply
from mockserver.pipeline.web_socket_adapter import subprotocol
from mockserver.providers.openai.realtime.outlet import Outlet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.errors import ErrorTable
    from mockserver.pipeline.request import Request
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds
    from mockserver.transport.web_sockets import WebSocket

_CLOSED, _FAILED = 4000, 1011  # the close codes of errors whose row has none: of the client, of the server
_SERVER_ERROR = 500  # and above: statuses of HTTP
_NAMES = {"missing_api_key": "missing_bearer", "insufficient_quota": "realtime_no_credit"}  # of errors here


def refused_on_web_socket(
    errors: ErrorTable, ids: RealtimeIds, error: ApiError, request: Request
) -> Reply | None:
    """Return the reply that opens the WebSocket of a refused session; ``None`` if it cannot be opened."""
    name = _NAMES.get(error.name)
    if name is not None:
        error = ApiError(name)
    upgrade = request.connection.upgrade
    if upgrade is None or upgrade.is_accepted:
        return None

    def serve(web_socket: WebSocket) -> None:
        with suppress(OSError):
            Outlet(web_socket.send, ids, errors).refuse(error)
        web_socket.close(*closing(errors, error))
        for _ in web_socket.messages():  # until the client has answered the close
            pass

    try:
        headers = upgrade.accept(serve, subprotocol)
    except ApiError:  # the handshake is invalid
        return None
    return Reply(b"", SWITCHING, "", headers)


def closing(errors: ErrorTable, error: ApiError) -> tuple[int, str]:
    """Return the code and the reason with which an error closes a WebSocket."""
    fields: Mapping[str, Any] = errors.fields(error)
    reason = ".".join(filter(None, (fields["type"], fields["code"])))
    row = errors.rows[error.name]
    return row.get("close", _FAILED if row["status"] >= _SERVER_ERROR else _CLOSED), reason
