"""TLS on the connections of the server, without a thread that waits for a handshake.

OpenSSL works on buffers in memory, and the socket carries what it writes into them. So any thread can send while
another one receives: the lock of the buffers is held while bytes are encrypted or decrypted, never while the network is
waited for.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.transport.connection import EncryptedSocket, can_be_read, can_be_written

if TYPE_CHECKING:
    from typing_extensions import Buffer

log = logging.getLogger(__name__)

_RECEIVED = 1 << 15  # bytes per receive; with the rest of a record before, less than a reader takes at once
_SENT = 1 << 16  # bytes encrypted at once
_RECORD = 1 << 14  # bytes of a record at most
_HTTP = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ\r\n")  # the first bytes of a client that speaks plain HTTP


class TlsListener(socket.socket):
    """A socket that listens, whose connections are encrypted. It takes the place of ``plain``."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        timeout = plain.gettimeout()
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self.settimeout(timeout)
        self._context = context

    def accept(self) -> tuple[TlsSocket, Any]:
        """Return a connection, whose handshake is done as its bytes are received, and the client's address."""
        connected, address = super().accept()
        return TlsSocket(connected, self._context), address


class TlsSocket(EncryptedSocket):
    """An encrypted connection. It takes the place of ``plain``.

    Its methods have the timeouts of a socket. One thread may receive, and one send, at the same time.
    """

    def __init__(self, plain: socket.socket, context: ssl.SSLContext) -> None:
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._lock = threading.Lock()  # for OpenSSL and its buffers
        self._receiving = threading.Lock()  # for the next two
        self._decrypted = bytearray()
        self._has_ended = False  # the client has sent all it will
        self._sending = threading.Lock()  # for the next one, and the order of what is sent
        self._unsent = b""
        self._has_begun = False  # a byte was received
        self._is_established = False  # the handshake is done
        self._is_plain = False  # the client speaks plain HTTP, and is answered so
        self._is_shut = False  # nothing more is sent; what is received is not decrypted

    @property
    def holds_bytes(self) -> bool:
        """Return whether decrypted bytes wait to be read."""
        return bool(self._decrypted)

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Return at most ``size`` decrypted bytes; empty at the end. ``MSG_PEEK`` leaves them, and never waits.

        Raises ``OSError``, and ``ApiError`` for a client that speaks plain HTTP.
        """
        if self._is_plain or self._is_shut:
            return super().recv(size, flags)
        with self._receiving:
            if flags & socket.MSG_PEEK:
                self._decrypt_arrived()
                if not self._decrypted and not self._has_ended:
                    raise BlockingIOError
                return bytes(self._decrypted[:size])
            self._await_bytes()
            piece = bytes(self._decrypted[:size])
            del self._decrypted[:size]
            return piece

    def recv_into(self, buffer: Buffer, size: int = 0, flags: int = 0, /) -> int:
        """Write decrypted bytes into a buffer, and return how many; 0 at the end. Raises ``OSError``."""
        with memoryview(buffer).cast("B") as view:
            piece = self.recv(size or len(view), flags)
            view[: len(piece)] = piece
            return len(piece)

    def send(self, data: Buffer, flags: int = 0, /) -> int:
        """Send bytes encrypted, the first ones of many. Return how many. Raises ``OSError``."""
        if self._is_plain:
            return super().send(data, flags)
        with self._sending, memoryview(data).cast("B") as view:
            with self._lock:
                count = self._tls.write(view[:_SENT]) if view else 0
            self._flush()
            return count

    def sendall(self, data: Buffer, flags: int = 0, /) -> None:
        """Send all bytes encrypted. Raises ``OSError``."""
        with memoryview(data).cast("B") as left:
            sent = 0
            while sent < len(left):
                sent += self.send(left[sent:], flags)

    def arrives(self, seconds: float) -> bool:
        """Wait up to ``seconds`` for bytes or the end, and return whether there are any. Raises ``OSError``."""
        ends_at = time.monotonic() + seconds
        while not self._decrypted and not self._has_ended:
            if not can_be_read(self, max(ends_at - time.monotonic(), 0)):
                return False
            if self._is_plain or self._is_shut:
                return True
            with self._receiving:
                self._decrypt_arrived()
        return True

    def shutdown(self, how: int, /) -> None:
        """Shut down directions. The client gets TLS's close_notify, if that can be sent at once."""
        if how != socket.SHUT_RD and self._is_established and self._sending.acquire(blocking=False):
            try:
                self._say_goodbye()
            finally:
                self._sending.release()
        super().shutdown(how)

    def _await_bytes(self) -> None:
        """Receive until bytes are decrypted, or the end. All of it has the time of one receive."""
        timeout = self.gettimeout()
        began = time.monotonic()
        while not self._decrypted and not self._has_ended:
            self._receive()
            is_late = timeout is not None and time.monotonic() - began > timeout
            if is_late and not self._decrypted and not self._has_ended:
                raise TimeoutError("timed out") if timeout else BlockingIOError

    def _decrypt_arrived(self) -> None:
        """Decrypt what has arrived, until there are bytes. Nothing is waited for."""
        while not self._decrypted and not self._has_ended and can_be_read(self, 0):
            self._receive()

    def _receive(self) -> None:
        """Receive once, and decrypt what can be. Raises ``OSError`` and ``ApiError``."""
        received = super().recv(_RECEIVED)
        if not received:
            self._has_ended = True
            return
        if not self._has_begun:
            self._has_begun = True
            if received[0] in _HTTP:
                self._is_plain = True
                raise ApiError("plain_http")
        try:
            with self._lock:
                self._decrypt(received)
        except ssl.SSLError as error:
            if not self._is_established:
                log.info("%s: the TLS handshake failed. %s", _peer(self), _explained(error))
            raise
        finally:
            # If a thread is sending, it also sends what OpenSSL has to say.
            if self._outgoing.pending and self._sending.acquire(blocking=False):
                try:
                    self._flush()
                finally:
                    self._sending.release()

    def _decrypt(self, received: bytes) -> None:
        """Have OpenSSL read the bytes. The caller holds the lock. Raises ``ssl.SSLError``."""
        self._incoming.write(received)
        try:
            if not self._is_established:
                self._tls.do_handshake()
                self._is_established = True
            while piece := self._tls.read(_RECORD):
                self._decrypted += piece
            self._has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._has_ended = True

    def _flush(self) -> None:
        """Send what is encrypted. The caller holds ``_sending``. Raises ``OSError``."""
        while self._unsent or self._outgoing.pending:
            if not self._unsent:
                with self._lock:
                    self._unsent = self._outgoing.read()
            self._unsent = self._unsent[super().send(self._unsent) :]

    def _say_goodbye(self) -> None:
        """Send the end of TLS, if the network takes it at once."""
        self._is_shut = True
        with contextlib.suppress(OSError, ValueError):
            with self._lock, contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            if can_be_written(self):
                self._flush()


def _peer(connected: socket.socket) -> str:
    try:
        host, port = connected.getpeername()[:2]
    except OSError:
        return "A client"
    return f"{host}:{port}"


def _explained(error: ssl.SSLError) -> str:
    """Return the reason for a failed handshake, and the remedy for the usual ones."""
    reason = (error.reason or str(error)).lower().replace("_", " ")
    if "unknown ca" in reason or "certificate" in reason:
        return f"The client does not trust the certificate ({reason}). Have it trust the server's CA file."
    return f"({reason})"
