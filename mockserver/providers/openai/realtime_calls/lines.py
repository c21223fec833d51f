"""What carries a call, and the connections that take part in it beside the caller: sidebands."""

from __future__ import annotations

import queue
import threading
from collections import deque
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mockserver.transport.upgrades import Serve
    from mockserver.transport.web_sockets import WebSocket

_MAX_BYTES = 1 << 24  # of messages that wait for the session, and of those that wait for a sideband
_TICK_SECONDS = 20.0
_NORMAL = 1000  # close code


class Heard(bytes):
    """What the caller says: 16-bit samples of one channel at 24 kHz."""


class Pressed(str):
    """A key that the caller presses on a telephone."""

    __slots__ = ()


class Line(Protocol):
    """What carries the media and the events of a call to its caller. Its methods may be called in any thread."""

    def send(self, text: str) -> None:
        """Send an event to the caller. Raises ``OSError`` if the caller has left, or does not read."""
        ...

    def play(self, pcm: bytes) -> None:
        """Play samples, like those of ``Heard``, after those that are being played."""
        ...

    def stop_playing(self, unheard_ms: float) -> None:
        """Play nothing of what is left: the last ``unheard_ms`` milliseconds."""
        ...

    def close(self) -> None:
        """End the call after what was sent so far."""
        ...


class CallTransport:
    """The transport of a session: a line and its sidebands, all of which get the events and may send some."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._changed = threading.Condition()
        self._messages: deque[str | bytes | None] = deque()
        self._bytes = 0  # of the messages that wait
        self._sidebands: tuple[_Sideband, ...] = ()
        self._is_closed = False

    def put(self, message: str | bytes | Heard) -> None:
        """Put what the caller sends, without waiting. End the call if too much waits already."""
        with self._changed:
            if self._bytes < _MAX_BYTES:
                self._add(message)
                return
        self.abort()

    def end(self) -> None:
        """Note that the caller has left. What was put before is handled."""
        with self._changed:
            self._messages.append(None)
            self._changed.notify_all()

    def messages(self, tick: Callable[[], object] = lambda: None) -> Iterator[str | bytes]:
        """Yield messages and sound until the call ends. Call ``tick`` whenever there is none for long."""
        while True:
            with self._changed:
                is_idle = not self._changed.wait_for(lambda: self._messages, _TICK_SECONDS)
                message = None if is_idle else self._messages.popleft()
                self._bytes -= len(message or "")
                self._changed.notify_all()
            if is_idle:
                tick()
            elif message is None:
                self._close_all(_NORMAL, "")
                return
            else:
                yield message

    def send(self, message: str) -> None:
        """Send an event to the caller and the sidebands. Raises ``OSError`` if the caller has left."""
        for sideband in self._sidebands:
            sideband.put(message)
        self._line.send(message)

    def close(self, code: int, reason: str = "") -> None:
        """End the call after what was sent so far; the sidebands get the code and the reason."""
        self._close_all(code, reason)
        self.end()

    def abort(self) -> None:
        """End the call."""
        self.close(_NORMAL)

    def join(self) -> tuple[Serve, Callable[[], None]]:
        """Let a sideband take part from now on, until it or the call ends.

        Return what uses its connection once the handshake is answered, and what to call if its client is lost before.
        """
        sideband = _Sideband()
        with self._changed:
            self._sidebands = (*self._sidebands, sideband)
            is_closed = self._is_closed
        if is_closed:
            sideband.close(_NORMAL, "")
        return partial(self._serve, sideband), partial(self._leave, sideband)

    def _serve(self, sideband: _Sideband, web_socket: WebSocket) -> None:
        sideband.begin(web_socket)
        try:
            for message in web_socket.messages():
                with self._changed:
                    self._changed.wait_for(lambda: self._bytes < _MAX_BYTES or self._is_closed)
                    self._add(message)
        finally:
            self._leave(sideband)

    def _leave(self, sideband: _Sideband) -> None:
        with self._changed:
            self._sidebands = tuple(each for each in self._sidebands if each is not sideband)
        sideband.end()

    def _add(self, message: str | bytes) -> None:
        self._messages.append(message)
        self._bytes += len(message)
        self._changed.notify_all()

    def _close_all(self, code: int, reason: str) -> None:
        with self._changed:
            if self._is_closed:
                return
            self._is_closed = True
            self._changed.notify_all()
            sidebands = self._sidebands
        for sideband in sidebands:
            sideband.close(code, reason)
        self._line.close()


class _Sideband:
    """The sending side of a sideband: a thread sends, so that one that does not read delays nobody."""

    def __init__(self) -> None:
        self._web_socket: WebSocket | None = None  # the handshake is not answered yet
        self._waiting: queue.SimpleQueue[str | tuple[int, str] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._bytes = 0  # of what waits

    def begin(self, web_socket: WebSocket) -> None:
        """Send what waits, and what is put from now on."""
        self._web_socket = web_socket
        threading.Thread(target=self._send, args=[web_socket], name="realtime-sideband", daemon=True).start()

    def put(self, text: str) -> None:
        """Send a text; give the sideband up if it does not read."""
        with self._lock:
            self._bytes += len(text)
            is_too_much = self._bytes > _MAX_BYTES
        if not is_too_much:
            self._waiting.put(text)
        elif self._web_socket is not None:
            self._web_socket.abort()

    def close(self, code: int, reason: str) -> None:
        """Close the connection after what was put so far."""
        self._waiting.put((code, reason))

    def end(self) -> None:
        """Send nothing more: the connection has ended."""
        self._waiting.put(None)

    def _send(self, web_socket: WebSocket) -> None:
        with suppress(OSError):
            while (waiting := self._waiting.get()) is not None:
                if isinstance(waiting, tuple):
                    web_socket.close(*waiting)
                else:
                    with self._lock:
                        self._bytes -= len(waiting)
                    web_socket.send(waiting)
