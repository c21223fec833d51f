"""The threads that answer requests: as many as are needed, bounded by kind, and ended when they are idle."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from enum import IntEnum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.transport.http_server.connections import Connection

log = logging.getLogger(__name__)

_SPARE = 4  # idle threads that only take what must be answered soon
_ALWAYS = 20  # threads that are kept when they are idle
_IDLE_SECONDS = 3.0  # without work, after which a thread ends
_HEALTH = 4  # threads for health beyond those for the control API
_UNDONE_SECONDS = 1.0  # that threads have to notice that their connection was taken from them

# A crowd of threads that all have work to do keeps the others waiting, so more are started only while a thread
# gets its turn soon: not in a crowd that works, but in one that waits for slow clients.
_SOON = 0.002  # seconds
_GROWTH = 8  # threads that are started at a time then
_SLOW_GROWTH = 0.05  # seconds between one thread and another else


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
        """Answer requests until the thread is to end."""
        self._work(self)


class Workers:
    """The threads of a server. At most ``most`` answer at a time; ``reserved`` more only the control API.

    ``answer`` answers a connection's request. The thread that has been idle longest is the last to get a
    request, so that threads which are not needed end by themselves.
    """

    def __init__(self, answer: Callable[[Connection], None], most: int, reserved: int) -> None:
        self._answer = answer
        self._most = {
            Kind.HEALTH: most + reserved + _HEALTH,
            Kind.CONTROL: most + reserved,
            Kind.ORDINARY: most,
        }
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)  # notified when a thread ends
        self._idle: list[Worker] = []
        self._threads: set[Worker] = set()
        self._waiting: dict[Kind, deque[Connection]] = {kind: deque() for kind in self._most}
        self._too_few = threading.Event()
        self._ending = False

    def start(self) -> None:
        """Start the threads that are always there. Raises ``RuntimeError`` where there can be none."""
        for _ in range(_ALWAYS):
            self._start_one()
        threading.Thread(target=self._grow, name="more threads", daemon=True).start()

    def put(self, connection: Connection, kind: Kind) -> None:
        """Hand over a connection with a request. It waits when many are answered already."""
        with self._lock:
            spare = _SPARE if kind is Kind.ORDINARY else 0
            if len(self._idle) > spare and self._busy < self._most[kind] and not self._ending:
                self._idle.pop().inbox.put(connection)
                return
            self._waiting[kind].append(connection)
        self._too_few.set()

    def oldest_waiting(self) -> Connection | None:
        """Take back the request that has waited longest; ``None`` where none waits."""
        with self._lock:
            waiting = self._waiting[Kind.ORDINARY] or self._waiting[Kind.CONTROL]
            return waiting.popleft() if waiting else None

    def stop(self, seconds: float) -> None:
        """Have all requests answered that were handed over, within ``seconds``; then break off the rest."""
        with self._lock:
            self._ending = True
            self._too_few.set()
            for worker in self._idle:
                worker.inbox.put(None)
            if self._ended.wait_for(lambda: not self._threads, seconds):
                return
            for waiting in self._waiting.values():
                while waiting:
                    waiting.popleft().close()
            late = [each.connection for each in self._threads if each.connection is not None]
            log.warning("%d requests were not finished within %g s. They are broken off.", len(late), seconds)
            for connection in late:
                connection.abort()
            self._ended.wait_for(lambda: not self._threads, _UNDONE_SECONDS)

    @property
    def _busy(self) -> int:
        return len(self._threads) - len(self._idle)

    def _grow(self) -> None:
        """Start threads for requests that wait, while there is time for more."""
        while True:
            self._too_few.wait()
            if self._ending:
                return
            began = time.monotonic()
            time.sleep(0)  # lets others work; goes on when it is this thread's turn again
            soon = time.monotonic() - began < _SOON
            try:
                for _ in range(_GROWTH if soon else 1):
                    if not self._needs_another():
                        break
                    self._start_one()
            except (RuntimeError, MemoryError) as error:  # those that there are must do
                log.warning(
                    "No further thread can be started (%s). Requests wait for one of %d.", error, self._busy
                )
                time.sleep(1)
            if not soon:
                time.sleep(_SLOW_GROWTH)

    def _needs_another(self) -> bool:
        """Return whether a request waits that a further thread may answer."""
        with self._lock:
            kinds = [kind for kind, waiting in self._waiting.items() if waiting]
            if not kinds or self._busy >= self._most[kinds[0]]:
                self._too_few.clear()  # until another request comes, or a thread has time for one that waits
                return False
            return True

    def _start_one(self) -> None:
        worker = Worker(self._work)
        with self._lock:
            self._threads.add(worker)
        try:
            worker.start()
        except BaseException:
            with self._lock:
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
                self._ended.notify_all()

    def _next(self, worker: Worker) -> Connection | None:
        """Wait for the next request for a thread and return it; ``None`` if the thread is to end."""
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
        """Return the request to answer next; ``None`` if none may be now. The lock is held."""
        for kind, waiting in self._waiting.items():
            if waiting and self._busy - 1 < self._most[kind]:  # without who asks
                if kind is Kind.ORDINARY and len(self._idle) < _SPARE and not self._ending:
                    self._too_few.set()
                    return None
                return waiting.popleft()
        return None
