"""Connections to checked addresses, which are closed at a deadline."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence

from mockserver.remote.targets import PORTS, Target, left


class Connection(http.client.HTTPConnection):
    """A connection to one of the checked addresses; request and TLS still use the host name."""

    def __init__(self, target: Target, addresses: Sequence[str], deadline: float) -> None:
        super().__init__(target.host, target.port)
        self.wire: socket.socket | None = (
            None  # ``http.client`` drops its own reference before the body is complete
        )
        self.default_port = PORTS[target.scheme]  # the Host header omits it
        self._target = target
        self._addresses = addresses
        self._deadline = deadline

    def connect(self) -> None:
        """Connect, with a TLS handshake for https."""
        for number, address in enumerate(self._addresses, 1):
            try:
                self.sock = self.wire = socket.create_connection(
                    (address, self._target.port), left(self._deadline)
                )
                break
            except OSError:
                if number == len(self._addresses):
                    raise
        if self._target.scheme == "https":
            context = ssl.create_default_context()
            self.sock = self.wire = greeting = context.wrap_socket(
                self.sock, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            left(self._deadline)  # until here, no timer could close the socket
            greeting.do_handshake()
        left(self._deadline)

    def cut(self) -> None:
        """Close the connection, also while another thread waits for it."""
        if self.wire is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self.wire, socket.SHUT_RDWR)  # bypasses TLS


@contextlib.contextmanager
def cut_off(connection: Connection, deadline: float) -> Iterator[None]:
    """Close a connection at the deadline, even if the server keeps sending."""
    timer = threading.Timer(left(deadline), connection.cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
