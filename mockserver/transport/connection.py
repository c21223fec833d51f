"""The connection below a request: to send raw bytes on, to break, to wait on, and to see whether the client left."""

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

from mockserver.transport.environ_keys import GIVEN_UP, SOCKETS

if TYPE_CHECKING:
    import threading

_LOOK = 0.1  # seconds between looks at whether the client is still there
_DELIVERY = 1.0  # seconds that what was sent may take to arrive
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # on, for no time


def lost(why: str) -> ConnectionResetError:
    """Return what an answer raises that will not be completed; every WSGI server then closes the connection."""
    return ConnectionResetError(errno.ECONNRESET, why)


class Connection:
    """The connection of a request, as far as the server that hosts the app hands it out."""

    def __init__(
        self, connected: socket.socket | None = None, given_up: Callable[[], bool] | None = None
    ) -> None:
        """``given_up`` says, where there is no socket, whether who asked wants no answer any more."""
        self._socket = connected
        self._given_up = given_up

    @classmethod
    def of(cls, environ: Mapping[str, Any]) -> Connection:
        """Return the connection of a WSGI request."""
        connected = next((environ[key] for key in SOCKETS if key in environ), None)
        return cls(connected, environ.get(GIVEN_UP))

    @property
    def is_reachable(self) -> bool:
        """Return whether the server hands it out; else only the answer's own iterator can break it."""
        return self._socket is not None

    @property
    def has_hung_up(self) -> bool:
        """Return whether the client has closed it. Waits for nothing, takes nothing from it."""
        if self._socket is None:
            return self._given_up is not None and self._given_up()
        try:
            return _is_readable(self._socket) and self._socket.recv(1, socket.MSG_PEEK) == b""
        except (OSError, ValueError):  # it was reset, or is closed on this side
            return True

    def send(self, data: bytes) -> None:
        """Send ``data`` as it is, past the server. Raises ``OSError``."""
        if self._socket is not None:
            self._socket.sendall(data)

    def shut(self) -> None:
        """End the connection in order: the client finds the end of the stream."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """End the connection with a reset (TCP RST), once what was sent has arrived.

        The server is left with a socket that nobody listens to, for it to close as it is used to.
        """
        if self._socket is None:
            return
        with contextlib.suppress(OSError):
            self._await_delivery(self._socket)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
            if sys.platform == "win32":
                return  # closing it resets it
            ours, theirs = socket.socketpair()
            with ours, theirs:
                os.dup2(ours.fileno(), self._socket.fileno(), inheritable=False)

    def wait(self, seconds: float | None, closing: threading.Event) -> bool:
        """Wait real seconds, or for ever. Return ``False`` as soon as ``closing`` says that the server closes.

        Raises ``ConnectionResetError`` when the client leaves meanwhile.
        """
        end = float("inf") if seconds is None else time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if closing.wait(min(left, _LOOK)):
                return False
            self.check()
        return True

    def check(self) -> None:
        """Raise ``ConnectionResetError`` when the client has left."""
        if self.has_hung_up:
            raise lost("the client left while it was kept waiting")

    @staticmethod
    def _await_delivery(connection: socket.socket) -> None:
        """Wait until the client's system has all that was sent: a reset overtakes what has not arrived."""
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


if hasattr(select, "poll"):

    def _is_readable(connection: socket.socket) -> bool:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0))

else:

    def _is_readable(connection: socket.socket) -> bool:
        return bool(select.select([connection], [], [], 0)[0])
