"""The threads that answer requests: as many as are needed, bounded by kind, let go after a calm."""

from __future__ import annotations

import logging
import threading
from collections import deque
from enum import IntEnum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.http_server.connections import Connection

log = logging.getLogger(__name__)

_ALWAYS = 4  # threads that are not let go
_IDLE_SECONDS = 10.0  # without work, after which a thread ends
_HEALTH = 4  # threads for health beyond those for the control API
_UNDONE_SECONDS = 1.0  # that threads have to notice that their connection was taken from them


class Kind(IntEnum):
    """What a request is, by how soon it must be answered."""

    HEALTH = 0
    CONTROL = 1
    ORDINARY = 2


class Worker(threading.Thread):
    """A thread that answers one request after the other; ``connection`` is that being answered."""

    def __init__(self, work: Callable[[Worker], None]) -> None:
        super().__init__(name="request", daemon=True)
        self._work = work
        self.inbox: SimpleQueue[Connection | None] = SimpleQueue()
        self.connection: Connection | None = None

    def run(self) -> None:
        """Work until it is told to end."""
        self._work(self)


class Workers:
    """The threads of a server. At most ``most`` answer at a time; ``reserved`` more only the control API.

    ``answer`` answers a connection's request. Who has none to answer longest is the last to get one, so that threads
    which are not needed end by themselves.
    """

    def __init__(self, answer: Callable[[Connection], None], most: int, reserved: int) -> None:
        self._answer = answer
        self._most = {
            Kind.ORDINARY: most,
            Kind.CONTROL: most + reserved,
            Kind.HEALTH: most + reserved + _HEALTH,
        }
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._idle: list[Worker] = []
        self._threads: set[Worker] = set()
        self._waiting: dict[Kind, deque[Connection]] = {kind: deque() for kind in Kind}
        self._ending = False

    def start(self) -> None:
        """Start the threads that are always there. Raises ``RuntimeError`` where there can be none."""
        with self._lock:
            for _ in range(_ALWAYS):
                self._start(Worker(self._work))

    def put(self, connection: Connection, kind: Kind) -> None:
        """Hand over a connection with a request. It waits when too many are answered already."""
        with self._lock:
            if len(self._threads) - len(self._idle) >= self._most[kind] or not self._hand_over(connection):
                self._waiting[kind].append(connection)

    def oldest_waiting(self) -> Connection | None:
        """Take back the request that has waited longest; ``None`` where none waits."""
        with self._lock:
            waiting = self._waiting[Kind.ORDINARY] or self._waiting[Kind.CONTROL]
            return waiting.popleft() if waiting else None

    def stop(self, seconds: float) -> None:
        """Have all requests answered that were handed over, within ``seconds``; then break off the rest."""
        with self._lock:
            self._ending = True
            for worker in self._idle:
                worker.inbox.put(None)
            if self._changed.wait_for(lambda: not self._threads, seconds):
                return
            for waiting in self._waiting.values():
                for connection in waiting:
                    connection.close()
                waiting.clear()
            late = [each.connection for each in self._threads if each.connection is not None]
            log.warning("%d requests were not finished within %g s. They are broken off.", len(late), seconds)
            for connection in late:
                connection.abort()
            self._changed.wait_for(lambda: not self._threads, _UNDONE_SECONDS)

    def _hand_over(self, connection: Connection) -> bool:
        """Whether a thread has the request: one that is idle, or a new one. The lock is held."""
        if self._idle:
            self._idle.pop().inbox.put(connection)
            return True
        worker = Worker(self._work)
        worker.inbox.put(connection)
        try:
            self._start(worker)
        except (RuntimeError, MemoryError):  # the system has no more threads
            return False
        return True

    def _start(self, worker: Worker) -> None:
        self._threads.add(worker)
        try:
            worker.start()
        except BaseException:
            self._threads.remove(worker)
            raise

    def _work(self, worker: Worker) -> None:
        try:
            while connection := self._next(worker):
                worker.connection = connection
                try:
                    self._answer(connection)
                finally:
                    worker.connection = None
        finally:
            with self._lock:
                self._threads.discard(worker)
                self._changed.notify_all()

    def _next(self, worker: Worker) -> Connection | None:
        """The next request for a thread, waited for a while; ``None``: it is to end."""
        if worker.inbox.empty():
            with self._lock:
                if connection := self._first_waiting():
                    return connection
                if self._ending:
                    return None
                self._idle.append(worker)
        while True:
            try:
                return worker.inbox.get(timeout=_IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if worker in self._idle and len(self._threads) > _ALWAYS:
                        self._idle.remove(worker)
                        return None

    def _first_waiting(self) -> Connection | None:
        """The request that is next to be answered, where another may be. The lock is held."""
        busy = len(self._threads) - len(self._idle) - 1  # without who asks
        for kind, waiting in self._waiting.items():
            if waiting and busy < self._most[kind]:
                return waiting.popleft()
        return None
