"""Lanes of work: the tasks of a lane in order, those of different lanes at the same time."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from mockserver.transport.bodies import LARGE

if TYPE_CHECKING:
    from mockserver.transport.bodies import UploadSlot

Task = Callable[[], None]

_MAX_WAITING = 1 << 26  # bytes of tasks that wait; further ones must be put later


class _Waiting(NamedTuple):
    task: Task
    size: int
    slot: UploadSlot


class Lanes:
    """The lanes of a connection, each with a thread while it has tasks. At most ``most`` tasks run at the same time."""

    def __init__(self, most: int, slot: Callable[[], UploadSlot]) -> None:
        """``slot`` returns the slot of a task in the memory of all connections."""
        self._most = most
        self._new_slot = slot
        self._changed = threading.Condition()
        self._lanes: dict[str | None, deque[_Waiting]] = {}
        self._running = 0
        self._bytes = 0
        self._is_closed = False

    def put(self, lane: str | None, task: Task, size: int) -> None:
        """Do a task after those of its lane. ``size`` is its memory in bytes; wait while too much of it is used.

        Raises ``RuntimeError`` if no thread can be started, ``ApiError`` if other connections use too much.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_closed or not self._bytes or self._bytes + size <= _MAX_WAITING
            )
            is_much = self._bytes + size > LARGE
        waiting = _Waiting(task, size, self._new_slot())
        if is_much:
            waiting.slot.take(size)
        with self._changed:
            self._bytes += size
            if lane in self._lanes:
                self._lanes[lane].append(waiting)
                return
            self._lanes[lane] = deque([waiting])
        try:
            threading.Thread(target=self._run, args=(lane,), name="lane", daemon=True).start()
        except BaseException:
            with self._changed:
                del self._lanes[lane]
                self._bytes -= size
            waiting.slot.release()
            raise

    def close(self) -> None:
        """Drop the tasks that wait, and wait for those that run."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: not self._lanes)

    def _run(self, lane: str | None) -> None:
        while waiting := self._next(lane):
            try:
                waiting.task()
            finally:
                waiting.slot.release()
                with self._changed:
                    self._running -= 1
                    self._bytes -= waiting.size
                    self._changed.notify_all()

    def _next(self, lane: str | None) -> _Waiting | None:
        """Wait until a task of a lane may run, and return it; ``None`` if the lane has none."""
        with self._changed:
            if self._lanes[lane]:
                self._changed.wait_for(lambda: self._is_closed or self._running < self._most)
            if self._is_closed or not self._lanes[lane]:
                for waiting in self._lanes.pop(lane):
                    waiting.slot.release()
                self._changed.notify_all()
                return None
            self._running += 1
            return self._lanes[lane].popleft()
