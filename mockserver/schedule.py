"""Runs tasks when they are due by the clock, in a few threads that are started as they are needed.

Several processes can have the same tasks: one at a time does a step of a task, the one that has its lease.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.clock import Clock
    from mockserver.state.held_leases import HeldLeases

log = logging.getLogger(__name__)

Task = tuple[str, str]

_MAX_WAIT = 3600.0  # seconds
_PATIENCE = 5.0  # seconds for all threads to end
_OTHERS = 1.0  # seconds until a task that another process does is looked at again


class Schedule:
    """Tasks, each with the time at which it is due.

    ``step`` does a part of a task and returns when it is due again, or ``None``. A task runs in one thread at a time,
    and at most ``threads`` run. ``kind`` is what the log and the ``leases`` call a task.
    """

    def __init__(
        self,
        step: Callable[[Task], float | None],
        clock: Clock,
        threads: int,
        leases: HeldLeases,
        *,
        kind: str = "batch",
    ) -> None:
        self._step = step
        self._kind = kind
        self._clock = clock
        self._max_threads = threads
        self._leases = leases
        self._changed = threading.Condition()
        self._due: dict[Task, float] = {}
        self._running: set[Task] = set()
        self._put_off: dict[
            Task, float
        ] = {}  # tasks of other processes, and when to look again, in real time
        self._moves = 0  # how often the clock was moved
        self._seen = -math.inf  # the latest time that was read from it
        self._threads: list[threading.Thread] = []
        self._closed = False
        clock.listen(self._on_clock_moved)

    def add(self, task: Task, due: float = -math.inf) -> None:
        """Add a task; if it is there already, it is due at the earlier of both times."""
        with self._changed:
            if self._closed:
                return
            self._due[task] = min(due, self._due.get(task, math.inf))
            if len(self._threads) < min(self._max_threads, len(self._due) + len(self._running)):
                thread = threading.Thread(
                    target=self._work, name=f"{self._kind}-{len(self._threads)}", daemon=True
                )
                self._threads.append(thread)
                thread.start()
            self._changed.notify()

    def put_off(self, task: Task) -> None:
        """Look at a task that another process works on again in a moment, whatever the clock says."""
        with self._changed:
            self._put_off[task] = time.monotonic() + _OTHERS
            self._due[task] = -math.inf

    def close(self) -> None:
        """Stop the threads. Tasks stay as they are."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        deadline = time.monotonic() + _PATIENCE
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _on_clock_moved(self) -> None:
        """Wake the threads. If the clock was set back, all tasks are due: their steps find out when they are again."""
        with self._changed:
            self._moves += 1
            if self._clock.now() < self._seen:
                self._due = dict.fromkeys(self._due, -math.inf)
            self._changed.notify_all()

    def _work(self) -> None:
        while (task := self._next()) is not None:
            due: float | None = None
            moves = self._moves
            try:
                due = self._do(task)
            except Exception:
                log.exception("%s %s cannot continue", self._kind, task[1])
            finally:
                with self._changed:
                    self._running.discard(task)
            if due is not None:
                self.add(task, due if moves == self._moves else -math.inf)

    def _do(self, task: Task) -> float | None:
        """Do a step, unless another process does the task. Return when it is due again."""
        name = f"{self._kind}:{task[0]}/{task[1]}"
        try:
            is_own = self._leases.take(name)
        except StateFailed:  # which is logged already
            is_own = False
        if not is_own:
            self.put_off(task)
            return None
        due: float | None = None
        try:
            due = self._step(task)
        finally:
            if due is None or due > self._clock.now():
                self._leases.give_up(name)
        return due

    def _next(self) -> Task | None:
        """Wait for a task that is due, and return it; ``None`` when the schedule is closed."""
        with self._changed:
            while not self._closed:
                waiting = {task: due for task, due in self._due.items() if task not in self._running}
                others = self._of_others()
                own = {task: due for task, due in waiting.items() if task not in others}
                now = self._seen = self._clock.now()
                for task, due in own.items():  # in the order in which they were added
                    if due <= now:
                        del self._due[task]
                        self._running.add(task)
                        return task
                soonest = min(own.values(), default=math.inf)
                real = self._clock.real_seconds_until(soonest) if own else _MAX_WAIT
                self._changed.wait(min(real, _MAX_WAIT, *others.values()))
            return None

    def _of_others(self) -> dict[Task, float]:
        """Return the tasks that other processes do, and the real seconds until they are looked at again."""
        now = time.monotonic()
        self._put_off = {task: at for task, at in self._put_off.items() if at > now}
        return {task: at - now for task, at in self._put_off.items()}
