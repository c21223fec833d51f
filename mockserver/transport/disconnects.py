"""Has the client left? The connection tells, where the server that hosts the app hands it out."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Mapping
from typing import Any

from mockserver.transport.environ_keys import GIVEN_UP, SOCKETS


def has_hung_up(environ: Mapping[str, Any]) -> bool:
    """Whether the client of a request has closed its connection. Waits for nothing, takes nothing from it."""
    connection: socket.socket | None = next((environ[key] for key in SOCKETS if key in environ), None)
    if connection is None:
        given_up: Callable[[], bool] | None = environ.get(GIVEN_UP)
        return given_up is not None and given_up()
    try:
        return _is_readable(connection) and connection.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):  # it was reset, or is closed on this side
        return True


if hasattr(select, "poll"):

    def _is_readable(connection: socket.socket) -> bool:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0))

else:

    def _is_readable(connection: socket.socket) -> bool:
        return bool(select.select([connection], [], [], 0)[0])
