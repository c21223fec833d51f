"""Waits for what other threads and processes do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_SECONDS = 60.0
_PAUSE = 0.01  # seconds between two looks


def eventually(condition: Callable[[], object]) -> bool:
    """Return whether the condition becomes true within a minute."""
    deadline = time.monotonic() + _SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


def clips_at_work() -> int:
    """Return how many clips Whisper transcribes in this process, those that wait for it included."""
    return sum(thread.name == "whisper-clip" for thread in threading.enumerate())
