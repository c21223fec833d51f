"""A bounded queue of work that a few threads do in the background, in the order in which it was submitted."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable

log = logging.getLogger(__name__)

Work = Callable[[], None]


class QueueFull(Exception):
    """The queue is full."""


class WorkQueue:
    """A queue of work: ``workers`` threads, which start as they are needed, and ``room`` for more that waits.

    ``name`` is the beginning of the threads' names.
    """

    def __init__(self, workers: int, room: int, *, name: str = "work") -> None:
        self._name = name
        self._workers = workers
        self._room = room
        self._wake = threading.Condition()
        self._waiting: deque[tuple[Hashable, Work]] = deque()
        self._unfinished: set[Hashable] = set()
        self._threads = 0
        self._closed = False

    def submit(self, key: Hashable, work: Work, *, bounded: bool = True) -> None:
        """Queue ``work``, unless work with the same ``key`` is unfinished. Raises ``QueueFull`` if ``bounded``."""
        with self._wake:
            if key in self._unfinished:
                return
            if bounded and len(self._unfinished) >= self._workers + self._room:
                raise QueueFull
            self._unfinished.add(key)
            self._waiting.append((key, work))
            if self._threads < min(self._workers, len(self._unfinished)):
                self._threads += 1
                threading.Thread(target=self._run, name=f"{self._name}-{self._threads}", daemon=True).start()
            self._wake.notify()

    def close(self) -> None:
        """Begin no more work. Work in progress is not waited for."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()

    def _run(self) -> None:
        while (found := self._next()) is not None:
            key, work = found
            try:
                work()
            except Exception:
                log.exception("work in the background failed")
            finally:
                with self._wake:
                    self._unfinished.discard(key)

    def _next(self) -> tuple[Hashable, Work] | None:
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else self._waiting.popleft()
