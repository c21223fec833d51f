"""The messages of the client that wait to be handled, and the reasons to wake the thread that handles them."""

from __future__ import annotations

import threading
from collections import deque

_MAX_BYTES = 1 << 20  # of messages that wait; the next one is not read before there is room


class Inbox:
    """The messages of a WebSocket, put by the thread that reads it, taken by the thread of the session."""

    def __init__(self) -> None:
        self._messages: deque[str | bytes] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._is_woken = False
        self.is_ended = False  # no more messages will be put

    def put(self, message: str | bytes) -> None:
        """Put a message. Wait while too many bytes are waiting, and until a large message is taken.

        The memory for a large message is reserved as long as it is not put.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._bytes < _MAX_BYTES or self.is_ended)
            if self.is_ended:
                return
            self._messages.append(message)
            self._bytes += len(message)
            self._changed.notify_all()
            if len(message) > _MAX_BYTES:
                self._changed.wait_for(lambda: self._bytes < _MAX_BYTES or self.is_ended)

    def take(self, seconds: float | None) -> str | bytes | None:
        """Return the next message; ``None`` if there is none within ``seconds``, or if ``wake`` or ``end`` is called.

        ``None`` waits for as long as it takes.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._messages or self.is_ended or self._is_woken, seconds)
            self._is_woken = False
            if not self._messages:
                return None
            message = self._messages.popleft()
            self._bytes -= len(message)
            self._changed.notify_all()
            return message

    def wake(self) -> None:
        """Have ``take`` return, because the clock was moved or something else must be done by the session's thread."""
        with self._changed:
            self._is_woken = True
            self._changed.notify_all()

    def end(self) -> None:
        """Note that the connection has ended. Messages that wait can still be taken."""
        with self._changed:
            self.is_ended = True
            self._changed.notify_all()

    def drop(self) -> None:
        """Drop what waits, so that nothing waits for room."""
        with self._changed:
            self._messages.clear()
            self._bytes = 0
            self.is_ended = True
            self._changed.notify_all()
