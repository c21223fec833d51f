"""The connection of a request: raw sending, closing, resetting, and detecting that the client left.

Also the keys of the WSGI environ for what the WSGI standard does not provide.
"""

from __future__ import annotations

import contextlib
import errno
import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import threading

    from mockserver.transport.upgrades import Upgrade

SOCKET = "mockserver.socket"  # the socket of the connection
SOCKETS = (SOCKET, "gunicorn.socket")  # the same key of all servers that provide the socket
HEADERS = "mockserver.headers"  # a copy of the headers, with their names in lower case
GIVEN_UP = "mockserver.given_up"  # a function that returns whether the caller no longer wants a response
UPGRADE = "mockserver.upgrade"  # the request for a WebSocket (``upgrades.Upgrade``)
LASTING = "mockserver.lasting"  # a function that allows an answer without an end (``Workers.last``)
SHUTDOWN = "mockserver.shutdown"  # a function that stops the server, in the background

_POLL_INTERVAL = 0.1  # seconds between checks whether the client is still connected
_DELIVERY = 1.0  # seconds that sent bytes may take to arrive
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # on, with a timeout of 0


def lost(why: str) -> ConnectionResetError:
    """Return the exception for a response that will not be completed; every WSGI server then closes the connection."""
    return ConnectionResetError(errno.ECONNRESET, why)


class Connection:
    """The connection of a request, as far as the HTTP server provides its socket."""

    def __init__(
        self,
        connected: socket.socket | None = None,
        given_up: Callable[[], bool] | None = None,
        upgrade: Upgrade | None = None,
    ) -> None:
        """Without a socket, ``given_up`` returns whether the caller no longer wants a response.

        ``upgrade`` is the client's request for a WebSocket, ``None`` if the server has none.
        """
        self._socket = connected
        self._given_up = given_up
        self.upgrade = upgrade

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> Connection:
        """Return the connection of a WSGI request."""
        connected = next((environ[key] for key in SOCKETS if key in environ), None)
        return cls(connected, environ.get(GIVEN_UP), environ.get(UPGRADE))

    @property
    def is_reachable(self) -> bool:
        """Return whether the server provides the socket. Without it, only the response's iterator can break off."""
        return self._socket is not None

    @property
    def has_hung_up(self) -> bool:
        """Return whether the client has closed the connection. Neither blocks nor consumes bytes."""
        if self._socket is None:
            return self._given_up is not None and self._given_up()
        try:
            return is_readable(self._socket) and self._socket.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):  # reset, or closed on this side
            return True

    def send(self, data: bytes) -> None:
        """Send ``data`` on the socket directly, bypassing the server. Raises ``OSError``."""
        if self._socket is not None:
            self._socket.sendall(data)

    def shut(self) -> None:
        """Shut the connection down in order: the client reads the end of the stream."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Reset the connection (TCP RST) once all sent bytes have arrived.

        The server keeps an unconnected socket, which it closes as usual.
        """
        if self._socket is None:
            return
        with contextlib.suppress(OSError):
            self._await_delivery(self._socket)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            if sys.platform == "win32":
                return  # closing the socket resets the connection
            ours, theirs = socket.socketpair()
            with ours, theirs:
                os.dup2(ours.fileno(), self._socket.fileno(), inheritable=False)

    def wait(self, seconds: float | None, closing: threading.Event) -> bool:
        """Wait real ``seconds``, or without limit. Return ``False`` as soon as the server is ``closing``.

        Raises ``ConnectionResetError`` if the client leaves meanwhile.
        """
        end = float("inf") if seconds is None else time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if closing.wait(min(left, _POLL_INTERVAL)):
                return False
            self.check()
        return True

    def check(self) -> None:
        """Raise ``ConnectionResetError`` if the client has left."""
        if self.has_hung_up:
            raise lost("the client left while it waited")

    @staticmethod
    def _await_delivery(connection: socket.socket) -> None:
        """Wait until the client's system has all sent bytes: a reset discards bytes that have not arrived."""
        try:
            import fcntl
            import termios
        except ImportError:
            return
        end = time.monotonic() + _DELIVERY
        while time.monotonic() < end:
            (unsent,) = struct.unpack("i", fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, bytes(4)))
            if not unsent:
                return
            time.sleep(0.001)


class EncryptedSocket(socket.socket):
    """A socket whose bytes must be decrypted, so that those on the network need not be bytes of the client."""

    @property
    def holds_bytes(self) -> bool:
        """Return whether bytes of the client were decrypted and not yet read, so that the network need not have any."""
        raise NotImplementedError

    def arrives(self, seconds: float) -> bool:
        """Wait up to ``seconds`` for bytes or the end, and return whether there are any. Raises ``OSError``."""
        raise NotImplementedError


def is_readable(connection: socket.socket, seconds: float = 0) -> bool:
    """Wait up to ``seconds`` for bytes or the end of a connection, and return whether there are any."""
    if isinstance(connection, EncryptedSocket):
        return connection.arrives(seconds)
    return can_be_read(connection, seconds)


if hasattr(select, "poll"):

    def can_be_read(connection: socket.socket, seconds: float) -> bool:
        """Wait up to ``seconds`` until the network has bytes or the end, and return whether it has."""
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(seconds * 1000))

    def can_be_written(connection: socket.socket) -> bool:
        """Return whether the network takes bytes at once."""
        poll = select.poll()
        poll.register(connection, select.POLLOUT)
        return bool(poll.poll(0))

else:

    def can_be_read(connection: socket.socket, seconds: float) -> bool:
        """Wait up to ``seconds`` until the network has bytes or the end, and return whether it has."""
        return bool(select.select([connection], [], [], seconds)[0])

    def can_be_written(connection: socket.socket) -> bool:
        """Return whether the network takes bytes at once."""
        return bool(select.select([], [connection], [], 0)[1])
