"""A WebSocket on a connection: messages, keepalive, closing. The library ``websockets`` reads and writes frames."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Protocol

from websockets.datastructures import Headers
from websockets.exceptions import InvalidUpgrade
from websockets.extensions.permessage_deflate import enable_server_permessage_deflate
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

from mockserver.errors import ApiError
from mockserver.transport.bodies import LARGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from websockets.typing import Subprotocol

    from mockserver.transport.bodies import BodyMemory

_PIECE = 1 << 16  # bytes per receive
_PING_SECONDS = 20.0  # between two pings; a client that is silent from one to the next is given up
_PING_BYTES = 4
_MEMORY_SECONDS = 20.0  # that a large message waits for memory
_COPIES = 2  # of a message in memory: its text and what is read from it
_INFLATION = 1032  # bytes that a compressed byte can become
_CLOSE_SECONDS = 5.0  # that a client has to answer the end of the connection
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
_OF_WEBSOCKETS = ("connection", "upgrade", "sec-websocket-")  # beginnings of the headers of a handshake
_VERSION = "13"  # of the protocol, RFC 6455

_log = logging.getLogger(f"{__name__}.frames")
_log.setLevel(logging.WARNING)  # below it, the library logs what the frames contain


class Stream(Protocol):
    """The connection that carries a WebSocket."""

    def arrives(self, seconds: float) -> bool:
        """Wait up to ``seconds`` for bytes or the end, and return whether there are any."""
        ...

    def read(self, max_bytes: int) -> bytes:
        """Return at most ``max_bytes``; empty at the end. Raises ``OSError``."""
        ...

    def write(self, data: bytes) -> None:
        """Send ``data``. Raises ``OSError``."""
        ...

    def shut(self) -> None:
        """Shut down sending."""
        ...

    def stop_receiving(self) -> None:
        """Have a thread that waits for bytes find the end."""
        ...

    def abort(self) -> None:
        """Shut down both directions."""
        ...


class WebSocket:
    """A WebSocket whose handshake was accepted.

    One thread reads ``messages``; any thread may send, close and leave.
    """

    def __init__(self, protocol: ServerProtocol, stream: Stream, memory: BodyMemory) -> None:
        """``memory`` is for messages above 1 MiB, of all WebSockets, until the next one is asked for."""
        self._protocol = protocol
        self._stream = stream
        self._memory = memory
        self._reserved = 0  # bytes of it
        self._unframed = 0  # bytes received after the last frame, about
        self._sending = threading.RLock()  # for the protocol, and for writing in the order of its frames
        self._answering = 0
        self._is_leaving = False
        self.is_closed = False  # nothing more is received

    def messages(self, tick: Callable[[], object] = lambda: None) -> Iterator[str | bytes]:
        """Yield the messages, texts or bytes, until the connection ends. Call ``tick`` every 20 seconds.

        Pings are answered, errors of the client close the connection with the code for them. The client is pinged every
        20 seconds, and given up if nothing comes from it until the next ping.
        """
        try:
            yield from self._messages(tick)
        except OSError:
            self._stream.abort()
        finally:
            self._reserve(0)
            self.is_closed = True

    def send(self, message: str | bytes) -> None:
        """Send a text or bytes. Raises ``OSError`` if the connection has ended, or the client does not read."""
        with self._sending:
            if self._protocol.state is not State.OPEN:
                raise ConnectionAbortedError(errno.ECONNABORTED, "the WebSocket is closed")
            if isinstance(message, str):
                self._protocol.send_text(message.encode("utf-8", "replace"))
            else:
                self._protocol.send_binary(message)
            self._flush()
            self._close_if_leaving()

    def close(self, code: int, reason: str = "") -> None:
        """Send the end of the connection; ``messages`` ends when the client has answered it."""
        with self._sending, contextlib.suppress(OSError):
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code, reason)
                self._flush()

    def abort(self) -> None:
        """End the connection at once, without a close code."""
        self._stream.abort()

    def stop_receiving(self) -> None:
        """Have ``messages`` end at once. Sending remains possible."""
        self._stream.stop_receiving()

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Have ``leave`` wait until the messages of this block are sent."""
        with self._sending:
            self._answering += 1
        try:
            yield
        finally:
            with self._sending:
                self._answering -= 1
                self._close_if_leaving()

    def leave(self) -> None:
        """End the connection because the server ends, as soon as nothing is being answered."""
        self._is_leaving = True
        # If something is being sent, perhaps to a client that reads slowly, nothing waits for it.
        if self._sending.acquire(blocking=False):
            try:
                self._close_if_leaving()
            finally:
                self._sending.release()

    def _close_if_leaving(self) -> None:
        if self._is_leaving and not self._answering:
            self.close(CloseCode.GOING_AWAY, "The server is shutting down.")

    def _messages(self, tick: Callable[[], object]) -> Iterator[str | bytes]:
        parts, is_text = bytearray(), True
        was_pinged = is_silent = False  # since the last ping
        pings_at = time.monotonic() + _PING_SECONDS
        ends_at = float("inf")  # of waiting for the client's answer to a close
        while True:
            frames = self._received()
            self._reserve(len(parts) + sum(len(frame.data) for frame in frames) + self._unframed)
            while frames:
                frame = frames.popleft()  # each is dropped once its data are copied
                if frame.opcode not in _DATA:
                    continue
                if frame.opcode is not Opcode.CONT:
                    is_text = frame.opcode is Opcode.TEXT
                parts += frame.data
                is_whole = frame.fin
                del frame
                if is_whole:
                    message = self._message(parts, is_text=is_text)
                    parts = bytearray()
                    if message is not None:
                        yield message
                    del message  # which takes memory while the client is silent
            is_closing = self._protocol.state is not State.OPEN
            if is_closing:  # nothing that came is needed, also if the client is slow to answer the close
                parts, self._unframed = bytearray(), 0
                self._reserve(0)
                ends_at = min(ends_at, time.monotonic() + _CLOSE_SECONDS)
            left = (ends_at if is_closing else pings_at) - time.monotonic()
            if left > 0 and self._stream.arrives(left):
                is_silent = False
                if not self._receive(len(parts)):
                    return
            elif is_closing:
                return
            elif left <= 0:
                tick()
                if was_pinged and is_silent and not self._stream.arrives(0):
                    self._fail(CloseCode.INTERNAL_ERROR, "keepalive ping timeout")
                else:
                    self._ping()
                was_pinged = is_silent = True
                pings_at = time.monotonic() + _PING_SECONDS

    def _message(self, whole: bytearray, *, is_text: bool) -> str | bytes | None:
        """Return a message; ``None`` if it is invalid, which ends the connection."""
        if not is_text:
            return bytes(whole)
        try:
            return whole.decode()
        except UnicodeDecodeError:
            self._fail(CloseCode.INVALID_DATA, "The text is not UTF-8.")
            return None

    def _received(self) -> deque[Frame]:
        """Return the frames that arrived, after the answers to them are sent."""
        with self._sending:
            frames = self._protocol.events_received()
            self._flush()
        if frames:
            self._unframed = 0
        return deque(frame for frame in frames if isinstance(frame, Frame))

    def _receive(self, size: int) -> bool:
        """Receive once, after ``size`` bytes of a message. Return ``False`` at the end."""
        piece = self._stream.read(_PIECE)
        self._unframed += len(piece)
        inflation = _INFLATION if self._protocol.extensions else 1
        is_open = self._protocol.state is State.OPEN
        if is_open and not self._reserve(size + self._unframed * inflation):
            self._fail(CloseCode.TRY_AGAIN_LATER, "Too many large messages are being handled.")
        with self._sending:
            if piece:
                self._protocol.receive_data(piece)
            else:
                self._protocol.receive_eof()
        return bool(piece)

    def _reserve(self, size: int) -> bool:
        """Have memory for ``size`` bytes, no more. Return whether there was enough in time."""
        wanted = min(_COPIES * max(size - LARGE, 0), self._memory.capacity)
        more = wanted - self._reserved
        if more > 0 and not self._memory.take(more, _MEMORY_SECONDS):
            return False
        if more < 0:
            self._memory.give_back(-more)
        self._reserved = wanted
        return True

    def _ping(self) -> None:
        with self._sending:
            if self._protocol.state is State.OPEN:
                self._protocol.send_ping(os.urandom(_PING_BYTES))
                self._flush()

    def _fail(self, code: CloseCode, reason: str) -> None:
        """End the connection because of an error of the client."""
        with self._sending:
            self._protocol.fail(code, reason)
            self._flush()

    def _flush(self) -> None:
        """Write what the protocol has to send. The caller holds the lock. Raises ``OSError``."""
        try:
            for piece in self._protocol.data_to_send():
                if piece:
                    self._stream.write(piece)
                else:
                    self._stream.shut()
        except OSError:
            self._stream.abort()  # a frame may be sent in part: nothing can follow it
            raise


class Handshake:
    """A client's request for a WebSocket, and the answer to it. Messages have at most ``max_bytes``."""

    def __init__(
        self, headers: Mapping[str, str], max_bytes: int, subprotocol: Callable[[Sequence[str]], str | None]
    ) -> None:
        """Take the headers of the request, with names in lower case.

        ``subprotocol`` chooses one of those that the client offers, if any. Raises ``ApiError``.
        """

        def choose(_: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
            return subprotocol(offered)  # type: ignore[return-value]

        self._protocol = ServerProtocol(
            extensions=enable_server_permessage_deflate(None),
            select_subprotocol=choose,
            max_size=max_bytes,
            logger=_log,
        )
        if headers.get("sec-websocket-version", _VERSION) != _VERSION:
            reason = f"only version {_VERSION} is supported"
            raise ApiError("upgrade_required", reason=reason, headers=(("sec-websocket-version", _VERSION),))
        self._response = self._accept(headers)
        error = self._protocol.handshake_exc
        if isinstance(error, InvalidUpgrade):
            raise ApiError("upgrade_required", reason=str(error), headers=(("upgrade", "websocket"),))
        if self._response is None or error is not None:
            raise ApiError("websocket_handshake", reason=str(error))

    def _accept(self, headers: Mapping[str, str]) -> Response | None:
        """Return the library's answer; ``None`` if it cannot read the request, which it parses like a server."""
        fields = {name: value for name, value in headers.items() if name.startswith(_OF_WEBSOCKETS)}
        self._protocol.receive_data(Request("/", Headers(fields)).serialize())
        return next(
            (
                self._protocol.accept(each)
                for each in self._protocol.events_received()
                if isinstance(each, Request)
            ),
            None,
        )

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the headers of the answer, whose status is 101."""
        assert self._response is not None
        fields = self._response.headers.raw_items()
        return tuple((name.lower(), value) for name, value in fields if name.lower() != "date")

    def web_socket(self, stream: Stream, memory: BodyMemory) -> WebSocket:
        """Return the WebSocket on a connection that the answer was sent on. Large messages share ``memory``."""
        assert self._response is not None
        self._protocol.send_response(self._response)
        self._protocol.data_to_send()  # the server has sent it
        return WebSocket(self._protocol, stream, memory)
