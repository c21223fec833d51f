"""Passes requests on to the process of this server that answers all of their kind, by a Unix socket.

What follows on the connection is copied in both directions until it ends, so that WebSockets and TLS work, too.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.transport.http_server.connections import Connection
    from mockserver.transport.http_server.heads import Head

_PIECE = 1 << 16  # bytes
_FAREWELL_SECONDS = 2.0  # for a client to close its side after the other process has


class Passing(NamedTuple):
    """The requests that one process answers for all: which they are, and the path of its socket.

    That process has the ``listener``; in the others it is ``None``.
    """

    concerns: Callable[[Head], bool]
    path: str
    listener: socket.socket | None = None

    def is_due(self, head: Head | None) -> bool:
        """Return whether another process must answer a request."""
        return self.listener is None and head is not None and self.concerns(head)


def pass_on(connection: Connection, path: str) -> None:
    """Have the process that listens at ``path`` answer the request of a connection, which is then closed.

    Returns when it is answered; for a WebSocket, when that has ended. Raises ``OSError`` if there is no such process.
    """
    with socket.socket(socket.AF_UNIX) as other:
        other.connect(path)
        other.sendall(_beginning(connection))
        connection.socket.settimeout(None)
        sending = threading.Thread(
            target=_copy, args=[connection.socket, other], name="passed-on", daemon=True
        )
        sending.start()
        _copy(other, connection.socket)
        sending.join(_FAREWELL_SECONDS)
        connection.close()
        sending.join()


def _beginning(connection: Connection) -> bytes:
    """Return what the other process receives first: the client's address (``Connection.find_head``), and the head."""
    head = connection.head
    assert head is not None
    fields = dict(head.fields)
    if "upgrade" not in fields:
        fields["connection"] = "close"  # the next request may be for any process
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    text = f"{connection.remote_addr} {connection.remote_port}\r\n{head.method} {head.target} {head.protocol}\r\n"
    return f"{text}{lines}\r\n".encode("latin-1") + bytes(connection.received)


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Copy bytes until the source ends or one of both fails, and then end the target."""
    with contextlib.suppress(OSError):
        while piece := source.recv(_PIECE):
            target.sendall(piece)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
