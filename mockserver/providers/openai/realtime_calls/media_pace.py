"""The time of a call, whose audio comes in real time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.providers.openai.realtime.timeline import Task

_LATE = 0.1  # seconds that audio may be late before time goes on without it
_PAUSE = 0.5  # seconds without audio that are a pause
_AFTER_PAUSE = 0.3  # seconds in which audio can catch up with a pause


class MediaPace:
    """Time that advances with the caller's audio; with real time while none comes.

    It implements ``timeline.Pace``. So what happens depends on the samples, as in sessions over a WebSocket, but what
    is played to the caller takes its time. ``read_seconds`` reads the real time.
    """

    def __init__(self, read_seconds: Callable[[], float] = time.monotonic) -> None:
        self._read = read_seconds
        self._now_ms = 0.0
        self._at = self._received = read_seconds()  # the real time of ``_now_ms``, and of the last audio
        self._audio_ms = 0.0  # heard, on the audio's own timeline
        self._ahead_ms = 0.0  # of that timeline
        self._reaching_ms = 0.0  # by the audio that is being heard
        self._is_hearing = False
        self._resumed: float | None = None  # when audio went on after a pause

    def now_ms(self) -> float:
        """Return the time."""
        if self._is_hearing:
            return self._now_ms
        return self._now_ms + max(0.0, self._read() - self._at - _LATE) * 1000

    def receive(self) -> None:
        """Note that audio has come. After a pause that its timestamps do not have, it is ahead of its own time."""
        now = self._read()
        if now - self._received >= _PAUSE:
            self._now_ms, self._resumed = self.now_ms(), now
        elif self._resumed is not None and now - self._resumed > _AFTER_PAUSE:
            self._resumed = None
            self._ahead_ms = max(self._ahead_ms, self._now_ms - self._audio_ms)
        self._received = now

    def hear_until(self, audio_ms: float) -> float:
        """Advance with the audio."""
        self._audio_ms, self._is_hearing = audio_ms, True
        self._reaching_ms = max(self._now_ms, audio_ms + self._ahead_ms)
        return self._reaching_ms

    def wait_seconds(self, task: Task) -> float:
        """Return the real seconds until the time of a task, and until the audio before it is late."""
        return max(0.0, self._at + (task.due_ms - self._now_ms) / 1000 + _LATE - self._read())

    def begin(self, task: Task) -> None:
        """Advance to the time of a task."""
        passed_ms = max(0.0, task.due_ms - self._now_ms)
        self._now_ms += passed_ms
        self._at = self._received if self._is_hearing else self._at + passed_ms / 1000

    def end(self) -> None:
        """Do nothing: tasks wait for real time only."""

    def reach(self, now_ms: float) -> None:
        """Advance to a time."""
        self._now_ms, self._is_hearing = now_ms, False
        self._at = self._received

    def follow(self) -> None:
        """Do nothing: what is heard comes in real time."""
