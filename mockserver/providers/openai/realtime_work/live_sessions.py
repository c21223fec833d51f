"""The sessions of a server that are open, so that they notice when the clock is moved."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.clock import Clock

Wake = Callable[[], None]

_MANY = 64  # sessions; two cores hear about as many in real time


class LiveSessions:
    """The sessions that are open: functions that wake each one. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._lock = threading.Lock()
        self._sessions: set[Wake] = set()
        self._hearing = threading.Lock()
        clock.listen(self._wake)

    def __len__(self) -> int:
        return len(self._sessions)

    def hearing_turn(self) -> AbstractContextManager[object]:
        """Return a context manager within which a session hears a window of audio.

        If there are many, one at a time does: threads that all want the interpreter's lock again and again, because
        NumPy and the detector of speech release it, make everybody else wait, such as a health check.
        """
        return self._hearing if len(self._sessions) > _MANY else nullcontext()

    def add(self, wake: Wake) -> None:
        """Add a session that begins. ``wake`` is called whenever the clock is changed."""
        with self._lock:
            self._sessions.add(wake)

    def remove(self, wake: Wake) -> None:
        """Remove a session that has ended."""
        with self._lock:
            self._sessions.discard(wake)

    def _wake(self) -> None:
        with self._lock:
            sessions = tuple(self._sessions)
        for wake in sessions:
            wake()
