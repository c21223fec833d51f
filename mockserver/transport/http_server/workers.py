"""The threads that answer requests: started as needed, limited by kind of request, and ended when idle."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from enum import IntEnum
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.transport.http_server.connections import Connection

log = logging.getLogger(__name__)

_SPARE = 4  # idle threads that are reserved for control calls
_ALWAYS = 20  # threads that are kept even if idle
_IDLE_SECONDS = 3.0  # of idling, after which a thread ends
_HEALTH = 4  # threads for health beyond those for the control API
_LASTING = 100  # answers without an end at the same time, each with a thread of its own
_UNDONE_SECONDS = 1.0  # for threads to notice that their connection was aborted

# Many threads that compute delay each other. So several threads are started at a time only if a thread gets the
# interpreter's lock soon, that is, if the others wait for slow clients.
_SOON = 0.002  # seconds
_GROWTH = 8  # threads that are started at a time in that case
_SLOW_GROWTH = 0.05  # seconds between two threads otherwise


Task = Callable[[], None]


class Kind(IntEnum):
    """The kind of a request, in order of priority."""

    HEALTH = 0
    CONTROL = 1
    ORDINARY = 2


class Worker(threading.Thread):
    """A thread that answers one request after another; ``connection`` is the current one.

    Its inbox takes connections with a request, tasks, and ``None`` to end it.
    """

    def __init__(self, work: Callable[[Worker], None], first: Task | None = None) -> None:
        """``first`` is what the thread does before anything else."""
        super().__init__(name="request", daemon=True)
        self._work = work
        self.first = first
        self.inbox: SimpleQueue[Connection | Task | None] = SimpleQueue()
        self.connection: Connection | None = None

    def run(self) -> None:
        """Answer requests until the thread ends."""
        self._work(self)


class Workers:
    """The threads of a server: at most ``max_threads`` for all requests, and ``reserved`` more for the control API.

    ``answer`` answers the request of a connection. The thread that has been idle longest gets the next request last,
    so that surplus threads end.
    """

    def __init__(self, answer: Callable[[Connection], None], max_threads: int, reserved: int) -> None:
        self._answer = answer
        self._max_busy = {
            Kind.HEALTH: max_threads + reserved + _HEALTH,
            Kind.CONTROL: max_threads + reserved,
            Kind.ORDINARY: max_threads,
        }
        self._lock = threading.Lock()
        self._ended = threading.Condition(self._lock)  # notified when a thread ends
        self._idle: list[Worker] = []
        self._threads: set[Worker] = set()
        self._waiting: dict[Kind, deque[Connection]] = {kind: deque() for kind in self._max_busy}
        self._too_few = threading.Event()
        self._leads = False  # a thread leads, and answers no request at present
        self._lasting = 0  # threads whose answers have no end
        self._ending = False

    def start(self) -> None:
        """Start the permanent threads. Raises ``RuntimeError`` if the system refuses."""
        for _ in range(_ALWAYS):
            self._start_one()
        threading.Thread(target=self._grow, name="more threads", daemon=True).start()

    def put(self, connection: Connection, kind: Kind) -> None:
        """Queue a connection with a request, or give it to an idle thread."""
        with self._lock:
            spare = _SPARE if kind is Kind.ORDINARY else 0
            if len(self._idle) > spare and self._busy < self._max_busy[kind] and not self._ending:
                self._idle.pop().inbox.put(connection)
                return
            self._waiting[kind].append(connection)
        self._too_few.set()

    def lead(self, task: Task) -> None:
        """Have a thread do the ``task`` of the reception; it does not count among those that answer requests.

        Raises ``RuntimeError`` or ``MemoryError`` if no thread is idle and none can be started.
        """
        with self._lock:
            if self._idle:
                self._leads = True
                self._idle.pop().inbox.put(task)
                return
        self._start_one(task)
        with self._lock:
            self._leads = True

    def begin(self, connection: Connection) -> bool:
        """Return whether the thread that leads, which calls this, may answer a request; count it then."""
        with self._lock:
            may = not self._ending and not self._waiting[Kind.ORDINARY] and len(self._idle) >= _SPARE
            if may and self._busy < self._max_busy[Kind.ORDINARY]:
                self._leads = False
                _this_thread().connection = connection
                return True
            return False

    def done(self, *, leads: bool) -> None:
        """End what ``begin`` began. The calling thread ``leads`` still, or another one has taken over."""
        with self._lock:
            _this_thread().connection = None
            if leads:
                self._leads = True

    def last(self) -> Callable[[], None] | None:
        """Allow the calling thread an answer without an end, such as a stream of events, or return ``None``.

        The thread does not count among those that answer requests until the returned function is called.
        """
        with self._lock:
            if self._lasting == _LASTING:
                return None
            self._lasting += 1
        self._too_few.set()
        return self._has_lasted

    def _has_lasted(self) -> None:
        with self._lock:
            self._lasting -= 1

    def oldest_waiting(self) -> Connection | None:
        """Remove and return the connection that has waited longest for a thread; ``None`` if none waits."""
        with self._lock:
            waiting = self._waiting[Kind.ORDINARY] or self._waiting[Kind.CONTROL]
            return waiting.popleft() if waiting else None

    def stop(self, seconds: float) -> None:
        """Wait up to ``seconds`` until all queued requests are answered, then abort the rest."""
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
            log.warning("%d requests were not finished within %g s. They are aborted.", len(late), seconds)
            for connection in late:
                connection.abort()
            self._ended.wait_for(lambda: not self._threads, _UNDONE_SECONDS)

    @property
    def _busy(self) -> int:
        return len(self._threads) - len(self._idle) - self._leads - self._lasting

    def _grow(self) -> None:
        """Start threads for waiting requests until the end of the server."""
        while True:
            self._too_few.wait()
            if self._ending:
                return
            began = time.monotonic()
            time.sleep(0)  # yields the interpreter's lock and waits to get it back
            soon = time.monotonic() - began < _SOON
            try:
                for _ in range(_GROWTH if soon else 1):
                    if not self._needs_another():
                        break
                    self._start_one()
            except (RuntimeError, MemoryError) as error:  # the existing threads must suffice
                log.warning(
                    "Cannot start another thread (%s). Requests wait for one of %d.", error, self._busy
                )
                time.sleep(1)
            if not soon:
                time.sleep(_SLOW_GROWTH)

    def _needs_another(self) -> bool:
        """Return whether a request waits for which another thread is allowed."""
        with self._lock:
            kinds = [kind for kind, waiting in self._waiting.items() if waiting]
            if not kinds or self._busy >= self._max_busy[kinds[0]]:
                self._too_few.clear()  # until another request arrives or a thread becomes free
                return False
            return True

    def _start_one(self, first: Task | None = None) -> None:
        worker = Worker(self._work, first)
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
            if worker.first is not None:
                worker.first()
            while task := self._next(worker):
                if callable(task):
                    task()
                    continue
                worker.connection = task
                try:
                    self._answer(task)
                finally:
                    worker.connection = None
        finally:
            with self._lock:
                self._threads.discard(worker)
                self._ended.notify_all()

    def _next(self, worker: Worker) -> Connection | Task | None:
        """Wait for the next request or task of a thread and return it; ``None`` if the thread must end."""
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
        """Remove and return the next request; ``None`` if none may be answered now. The caller holds the lock."""
        for kind, waiting in self._waiting.items():
            if waiting and self._busy - 1 < self._max_busy[kind]:  # without the calling thread
                if kind is Kind.ORDINARY and len(self._idle) < _SPARE and not self._ending:
                    self._too_few.set()
                    return None
                return waiting.popleft()
        return None


def _this_thread() -> Worker:
    worker = threading.current_thread()
    assert isinstance(worker, Worker)
    return worker
