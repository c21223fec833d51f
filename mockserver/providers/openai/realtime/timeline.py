"""The time of a session, in milliseconds, and the tasks that are due on it.

With the pacing ``fast``, time is that of the audio: it advances with every sample that the client appends, and when the
client is silent, tasks need not wait: time jumps to the next one. So the events of a session depend on its samples and
commands only, not on the speed of the machine or the client. With ``real``, time is that of the server's clock.
"""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.clock import Clock

# Real seconds, by which ``fast`` decides whether the client still sends audio. A client that sends a stream of chunks
# is waited for, for some of its intervals, before time jumps past the end of its audio; any other one a short time.
_INTERVALS = 4
_SHORTEST_WAIT, _LONGEST_WAIT = 0.05, 0.25
_STREAM = 0.5  # the longest interval between two chunks of a stream


class Task(Struct, eq=False):
    """Something to do at a time. ``gap`` is the real time in seconds since the end of the last task.

    The gap lets clients answer in the middle of a response that would otherwise be sent at once.
    """

    due_ms: float
    do: Callable[[], None]
    gap: float = 0.0
    is_cancelled: bool = False

    def cancel(self) -> None:
        """Have the task not be done."""
        self.is_cancelled = True


class Pace(Protocol):
    """How the time of a session passes."""

    def now_ms(self) -> float:
        """Return the time."""
        ...

    def receive(self) -> None:
        """Note that the client has appended or committed audio now."""
        ...

    def hear_until(self, audio_ms: float) -> float:
        """Note that audio was heard up to ``audio_ms`` on its own timeline, and return the time now."""
        ...

    def wait_seconds(self, task: Task) -> float:
        """Return the real seconds until ``task``, the next one, may be done; infinity if the clock is frozen."""
        ...

    def begin(self, task: Task) -> None:
        """Note that ``task`` is done now."""
        ...

    def end(self) -> None:
        """Note that the task is done."""
        ...

    def reach(self, now_ms: float) -> None:
        """Note that everything before ``now_ms``, which ``hear_until`` returned, is done."""
        ...

    def follow(self) -> None:
        """Note that the client sends audio for all of the time, so that time need never pass its end."""
        ...


class Timeline:
    """The tasks of a session, in the order of their times. Only the thread of the session uses it.

    ``on_audio`` is called with the end of the audio that was appended, after what was due before.
    """

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._tasks: list[tuple[float, int, Task]] = []
        self._numbers = itertools.count()
        self.on_audio: Callable[[float], None] = lambda audio_ms: None

    @property
    def now_ms(self) -> float:
        """Return the milliseconds since the session began."""
        return self._pace.now_ms()

    def after(self, delay_ms: float, do: Callable[[], None], *, gap: float = 0.0) -> Task:
        """Do something ``delay_ms`` from now. Tasks of the same time are done in the order in which they were added."""
        return self.at(self.now_ms + delay_ms, do, gap=gap)

    def at(self, due_ms: float, do: Callable[[], None], *, gap: float = 0.0) -> Task:
        """Do something at a time."""
        task = Task(due_ms, do, gap)
        heapq.heappush(self._tasks, (due_ms, next(self._numbers), task))
        return task

    def receive(self) -> None:
        """Note that the client has appended or committed audio now."""
        self._pace.receive()

    def follow(self) -> None:
        """Note that the client sends audio for all of the time, so that time need never pass its end.

        Do what is due now.
        """
        self._pace.follow()
        while (task := self._first()) is not None and not self._pace.wait_seconds(task):
            self._do(task)

    def hear_until(self, audio_ms: float) -> None:
        """Advance to the end of the audio that was appended, and do what is due before."""
        now = self._pace.hear_until(audio_ms)
        while (task := self._first()) is not None and task.due_ms <= now:
            self._do(task)
        self._pace.reach(now)
        self.on_audio(audio_ms)

    @property
    def is_idle(self) -> bool:
        """Return whether there are no tasks."""
        return self._first() is None

    def wait_seconds(self) -> float | None:
        """Return the real seconds until a task may be done; ``None`` if there is none."""
        task = self._first()
        return None if task is None else self._pace.wait_seconds(task)

    def do_next(self) -> None:
        """Do the next task if it may be done now."""
        task = self._first()
        if task is not None and not self._pace.wait_seconds(task):
            self._do(task)

    def _first(self) -> Task | None:
        while self._tasks and self._tasks[0][2].is_cancelled:
            heapq.heappop(self._tasks)
        return self._tasks[0][2] if self._tasks else None

    def _do(self, task: Task) -> None:
        heapq.heappop(self._tasks)
        self._pace.begin(task)
        task.do()
        self._pace.end()


class Fast:
    """Time that advances with the audio, and jumps while the client sends none."""

    def __init__(self) -> None:
        self._now_ms = 0.0
        self._audio_ms = 0.0
        self._ahead_ms = 0.0  # of the audio's own time
        self._last_chunk = 0.0  # by time.monotonic
        self._patience = 0.0
        self._last_task = 0.0  # its end
        self._follows = False

    def now_ms(self) -> float:
        """Return the time."""
        return self._now_ms

    def receive(self) -> None:
        """Note how fast the client sends audio."""
        now = time.monotonic()
        interval, self._last_chunk = now - self._last_chunk, now
        wait = _INTERVALS * interval if interval < _STREAM else 0.0
        self._patience = min(max(wait, _SHORTEST_WAIT), _LONGEST_WAIT)

    def hear_until(self, audio_ms: float) -> float:
        """Advance with the audio."""
        self._audio_ms = audio_ms
        return max(self._now_ms, audio_ms + self._ahead_ms)

    def wait_seconds(self, task: Task) -> float:
        """Return the rest of the gap before a task, and of the patience with a client that sends audio."""
        is_past = task.due_ms <= self._audio_ms + self._ahead_ms
        if self._follows:
            return 0.0 if is_past else math.inf
        now = time.monotonic()
        patience = 0.0 if is_past else self._last_chunk + self._patience - now
        return max(0.0, self._last_task + task.gap - now, patience)

    def begin(self, task: Task) -> None:
        """Jump to the time of a task."""
        self._now_ms = max(self._now_ms, task.due_ms)
        self._ahead_ms = max(self._ahead_ms, self._now_ms - self._audio_ms)

    def end(self) -> None:
        """Begin the gap before the next task: what this one sent has left."""
        self._last_task = time.monotonic()

    def reach(self, now_ms: float) -> None:
        """Advance to a time."""
        self._now_ms = now_ms

    def follow(self) -> None:
        """Never jump again."""
        self._follows = True


class Real:
    """The time of the server's clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began = clock.now()

    def now_ms(self) -> float:
        """Return the time."""
        return (self._clock.now() - self._began) * 1000

    def receive(self) -> None:
        """Do nothing: the clock has the time."""

    def hear_until(self, audio_ms: float) -> float:
        """Return the time, which does not depend on the audio."""
        return self.now_ms()

    def wait_seconds(self, task: Task) -> float:
        """Return the real seconds until the time of a task."""
        return self._clock.real_seconds_until(self._began + task.due_ms / 1000)

    def begin(self, task: Task) -> None:
        """Do nothing: the clock has reached the time of the task."""

    def end(self) -> None:
        """Do nothing: tasks wait for the clock only."""

    def reach(self, now_ms: float) -> None:
        """Do nothing: the clock has the time."""

    def follow(self) -> None:
        """Do nothing: the clock has the time."""


def pace_of(pacing: str, clock: Clock) -> Pace:
    """Return the pace for the setting ``realtime_pacing``."""
    return Real(clock) if pacing == "real" else Fast()
