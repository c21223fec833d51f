"""The messages of the client that wait to be handled, and the reasons to wake the thread that handles them.

Two threads take turns: a message is handled by the thread that takes it, or, while nothing waits and nothing is being
handled, by the one that puts messages.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

Message = str | bytes
Rest = Callable[[], None]  # what is left to do for a message that the other thread has begun to handle

_MAX_BYTES = 1 << 20  # of messages that wait; the next one is not read before there is room


class Inbox:
    """The messages of a WebSocket, put by the thread that reads it, taken by the thread of the session."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._rest: Rest | None = None
        self._bytes = 0
        self._changed = threading.Condition()
        self._is_woken = False
        self._is_taking = False  # the thread that takes has nothing to do
        self._is_borrowed = False  # by the thread that puts
        self._is_wanted_back = False
        self.is_ended = False  # no more messages will be put

    def put(self, message: Message) -> None:
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

    def borrow(self) -> bool:
        """Return whether nothing waits and nothing is being handled.

        If so, the caller may handle a message in the place of the thread that takes, and must call ``give_back``.
        """
        with self._changed:
            self._is_borrowed = self._is_taking and not self._has_something()
            return self._is_borrowed

    def give_back(self, rest: Rest | None = None) -> None:
        """Note that the caller of ``borrow`` has handled its message, but for ``rest``."""
        with self._changed:
            self._is_borrowed = False
            self._rest = rest
            if self._is_wanted_back or self._has_something():
                self._changed.notify_all()

    def take(self, seconds: float | None) -> Message | Rest | None:
        """Return the next message; ``None`` if there is none within ``seconds``, or if ``wake`` or ``end`` is called.

        ``None`` waits for as long as it takes.
        """
        with self._changed:
            self._is_taking = True
            self._changed.wait_for(lambda: self._has_something() and not self._is_borrowed, seconds)
            while self._is_borrowed:
                self._is_wanted_back = True
                self._changed.wait()
            self._is_taking = self._is_woken = self._is_wanted_back = False
            if self._rest is not None:
                rest, self._rest = self._rest, None
                return rest
            if not self._messages:
                return None
            message = self._messages.popleft()
            self._bytes -= len(message)
            self._changed.notify_all()
            return message

    def _has_something(self) -> bool:
        return bool(self._messages or self._rest or self.is_ended or self._is_woken)

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
            self._rest = None
            self._bytes = 0
            self.is_ended = True
            self._changed.notify_all()
