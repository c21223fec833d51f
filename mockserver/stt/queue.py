"""Work that is done in the background: by a few threads, in the order it came; so much may wait."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)

Work = Callable[[], None]


class QueueFull(Exception):
    """As much is waiting as may."""


class WorkQueue:
    """Has ``workers`` pieces of work done at a time, and ``room`` more wait. Threads start as they are needed."""

    def __init__(self, workers: int, room: int) -> None:
        self._workers = workers
        self._room = room
        self._wake = threading.Condition()
        self._waiting: deque[Work] = deque()
        self._threads = 0
        self._unfinished = 0
        self._closed = False

    def submit(self, work: Work, *, bounded: bool = True) -> None:
        """Has work done. Raises ``QueueFull``, if ``bounded``."""
        with self._wake:
            if bounded and self._unfinished >= self._workers + self._room:
                raise QueueFull
            self._unfinished += 1
            self._waiting.append(work)
            if self._threads < min(self._workers, self._unfinished):
                self._threads += 1
                threading.Thread(target=self._run, name=f"stt-{self._threads}", daemon=True).start()
            self._wake.notify()

    def close(self) -> None:
        """Begins nothing more. What is being done may end or not."""
        with self._wake:
            self._closed = True
            self._wake.notify_all()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            try:
                work()
            except Exception:
                log.exception("work in the background failed")
            finally:
                with self._wake:
                    self._unfinished -= 1

    def _next(self) -> Work | None:
        with self._wake:
            self._wake.wait_for(lambda: self._waiting or self._closed)
            return None if self._closed else self._waiting.popleft()
