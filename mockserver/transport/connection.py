"""The connection below a request: to send raw bytes on, to break, and to wait on."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import struct
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.transport.disconnects import has_hung_up
from mockserver.transport.environ_keys import SOCKETS

if TYPE_CHECKING:
    import threading

_LOOK = 0.1  # seconds between looks at whether the client is still there
_DELIVERY = 1.0  # seconds that what was sent may take to arrive
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)  # on, for no time


def lost(why: str) -> ConnectionResetError:
    """What an answer raises that will not be completed; every WSGI server then closes the connection."""
    return ConnectionResetError(errno.ECONNRESET, why)


class Connection:
    """The connection of a request, as far as the server that hosts the app hands it out."""

    def __init__(self, environ: Mapping[str, Any]) -> None:
        self._environ = environ
        self._socket: socket.socket | None = next((environ[key] for key in SOCKETS if key in environ), None)

    @property
    def is_reachable(self) -> bool:
        """Whether the server hands it out; else only the answer's own iterator can break it."""
        return self._socket is not None

    def send(self, data: bytes) -> None:
        """Sends ``data`` as it is, past the server. Raises ``OSError``."""
        if self._socket is not None:
            self._socket.sendall(data)

    def shut(self) -> None:
        """Ends the connection in order: the client finds the end of the stream."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def reset(self) -> None:
        """Ends the connection with a reset (TCP RST), once what was sent has arrived.

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
        """Waits real seconds, or for ever. ``False`` as soon as ``closing`` says that the server closes.

        Raises ``ConnectionResetError`` when the client leaves meanwhile.
        """
        end = float("inf") if seconds is None else time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if closing.wait(min(left, _LOOK)):
                return False
            self.check()
        return True

    def check(self) -> None:
        """Raises ``ConnectionResetError`` when the client has left."""
        if has_hung_up(self._environ):
            raise lost("the client left while it was kept waiting")

    @staticmethod
    def _await_delivery(connection: socket.socket) -> None:
        """Waits until the client's system has all that was sent: a reset overtakes what has not arrived."""
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
