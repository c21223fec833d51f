"""Waits for the work of other threads and processes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

_T = TypeVar("_T")

_SECONDS = 60.0
_PAUSE = 0.01  # seconds between two calls of the condition


def eventually(condition: Callable[[], _T]) -> _T:
    """Return the value of ``condition`` once it is true, or its last value after a minute."""
    deadline = time.monotonic() + _SECONDS
    while not (value := condition()) and time.monotonic() < deadline:
        time.sleep(_PAUSE)
    return value


def clips_at_work() -> int:
    """Return how many clips Whisper transcribes in this process, those in the queue included."""
    return sum(thread.name == "whisper-clip" for thread in threading.enumerate())
