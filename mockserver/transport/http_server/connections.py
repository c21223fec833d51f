"""The connection to a client: buffered reading, and writing."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.transport.bodies import ClientGone
from mockserver.transport.connection import EncryptedSocket, is_readable
from mockserver.transport.http_server.heads import Head, end_of_head, read_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mockserver.transport.http_server.heads import HeadLimits

_MIN_RATE = 1 << 16  # bytes per second
_PIECE = 1 << 16  # bytes per receive
_CLIENT_HELLO = b"\x16\x03"  # how TLS begins


class Connection:
    """The connection to a client. The reception owns it until a request has arrived, then the thread that answers.

    A client that stalls in the body, or sends at less than ``_MIN_RATE``, uses up its ``seconds_left``. Only time that
    the server waits for the client counts. Without a ``remote_addr``, another process of this server has passed a
    request on (``passing.py``), and sends the client's address first.
    """

    def __init__(
        self,
        connected: socket.socket,
        address: tuple[str, int],
        limits: HeadLimits,
        closed: Callable[[Connection], None],
    ) -> None:
        self.socket = connected
        self.remote_addr, self.remote_port = address
        self.received = bytearray()  # and not yet read
        self.unread = 0  # remaining bytes of the last body, to be skipped
        self.head: Head | None = None  # of the next request, or of the current one
        self.was_served = False  # a request on it was answered
        self.is_quick = False  # the last request on it was answered quickly
        self.seconds_left = 0.0
        self._limits = limits
        self._looked_at = 0
        self._closed = closed
        self._open = True

    def take_in(self) -> bool:
        """Receive once, within the timeout of the socket. Return ``False`` if the client has closed its side.

        Raises ``OSError``, and ``ApiError`` for a client that speaks plain HTTP with TLS expected.
        """
        try:
            piece = self.socket.recv(_PIECE)
        except BlockingIOError:
            return True
        self.received += piece
        return bool(piece)

    def find_head(self) -> bool:
        """Parse the next head into ``head`` if it is complete, and return whether it is. Raises ``ApiError``."""
        if isinstance(self.socket, EncryptedSocket) and self.socket.holds_bytes:
            self.take_in()  # the selector sees only what is on the network
        if not self.remote_addr and not self._find_client():
            return False
        if self.unread:
            skipped = min(self.unread, len(self.received))
            del self.received[:skipped]
            self.unread -= skipped
        if self.received.startswith(_CLIENT_HELLO):
            raise ApiError("tls_to_plain_port")
        size = end_of_head(self.received, self._limits, self._looked_at)
        if size < 0:
            self._looked_at = len(self.received)
            return False
        self._looked_at = 0
        received = bytes(self.received[:size])
        del self.received[:size]
        self.head = read_head(received, self._limits)
        return True

    @property
    def is_idle(self) -> bool:
        """Return whether no byte of a request has been received."""
        return not self.received and self.head is None

    def arrives(self, seconds: float) -> bool:
        """Wait up to ``seconds`` for bytes or the end, and return whether there are any. Raises ``OSError``."""
        return bool(self.received) or is_readable(self.socket, seconds)

    def read(self, max_bytes: int) -> bytes:
        """Return at most ``max_bytes`` from the client; empty at the end. Raises ``OSError``."""
        if not self.received:
            return self._receive(min(max_bytes, _PIECE))
        piece = bytes(self.received[:max_bytes])
        del self.received[:max_bytes]
        return piece

    def read_whole(self, size: int) -> bytes:
        """Return ``size`` bytes, received directly into one buffer. Raises ``ClientGone`` and ``OSError``."""
        whole = bytearray(size)
        count = min(size, len(self.received))
        whole[:count] = self.received[:count]
        del self.received[:count]
        with memoryview(whole) as view:
            while count < size:
                began = time.monotonic()
                received = self.socket.recv_into(view[count:])
                self._charge_time(received, began)
                if not received:
                    raise ClientGone(f"{size - count} bytes of the body are missing")
                count += received
        return bytes(whole)

    def read_line(self, max_bytes: int) -> bytes:
        """Return the next line without its CR LF. Raises ``ValueError`` if it is malformed or too long; ``OSError``."""
        start = 0
        while (end := self.received.find(b"\n", start)) < 0:
            start = len(self.received)
            piece = self._receive(_PIECE) if start < max_bytes else b""
            if not piece:
                raise ValueError("a line that breaks off or is too long")
            self.received += piece
        line = bytes(self.received[: end + 1])
        del self.received[: end + 1]
        if not line.endswith(b"\r\n") or len(line) > max_bytes:
            raise ValueError("a line that does not end with CR LF or is too long")
        return line[:-2]

    def write(self, data: bytes) -> None:
        """Send ``data``. The timeout applies to each piece. Raises ``OSError``."""
        with memoryview(data) as left:
            sent = 0
            while sent < len(left):
                sent += self.socket.send(left[sent:])

    @contextlib.contextmanager
    def without_waiting(self) -> Iterator[None]:
        """Make reads raise ``BlockingIOError`` instead of waiting for the client."""
        usual = self.socket.gettimeout()
        self.socket.settimeout(0)
        try:
            yield
        finally:
            self.socket.settimeout(usual)

    def shut(self) -> None:
        """Shut down sending. Receiving remains possible."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def stop_receiving(self) -> None:
        """Have a thread that waits for bytes find the end. Nothing is sent."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RD)

    def abort(self) -> None:
        """Shut down both directions, which ends reads and writes of other threads."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        if self._open:
            self._open = False
            self.abort()
            self.socket.close()
            self._closed(self)

    def _find_client(self) -> bool:
        """Take the client's address from the first line, and return whether that is complete."""
        line, end, rest = self.received.partition(b"\r\n")
        if end:
            self.remote_addr, port = line.decode().split(" ")
            self.remote_port, self.received = int(port), rest
        return bool(end)

    def _receive(self, max_bytes: int) -> bytes:
        began = time.monotonic()
        piece = self.socket.recv(max_bytes)
        self._charge_time(len(piece), began)
        return piece

    def _charge_time(self, count: int, began: float) -> None:
        self.seconds_left += count / _MIN_RATE - (time.monotonic() - began)
        if self.seconds_left < 0:
            raise TimeoutError("timed out")
