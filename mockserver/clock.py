"""The server's clock, which can be frozen, moved and sped up."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from email.utils import formatdate

_A_SECOND = 1.0
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # seconds since 1970: the years 1 to 9999


class Clock:
    """The wall-clock time of the server, in seconds since 1970. Thread-safe.

    ``scale`` is its speed as a multiple of real time; with ``frozen_at`` it starts frozen at that time.
    """

    def __init__(self, *, scale: float = 1.0, frozen_at: float | None = None) -> None:
        self._lock = threading.Lock()
        self._first_scale, self._frozen_at = scale, frozen_at
        self._listeners: tuple[Callable[[], None], ...] = ()
        self.reset()

    def reset(self) -> None:
        """Restore the initial state: real time at the initial scale, or frozen at ``frozen_at``."""
        with self._lock:
            self._base = time.time() if self._frozen_at is None else self._frozen_at
            self._since = time.monotonic()
            self._scale = self._first_scale
            self._frozen = self._frozen_at is not None
        self._notify()

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        with self._lock:
            return self._now()

    @property
    def is_real(self) -> bool:
        """Return whether the clock shows real time, to a second, and runs at its speed."""
        with self._lock:
            runs = self._scale == 1.0 and not self._frozen
            return runs and abs(self._now() - time.time()) < _A_SECOND

    @property
    def is_frozen(self) -> bool:
        """Return whether the clock is frozen."""
        with self._lock:
            return self._frozen

    @property
    def speed(self) -> float:
        """Return how many seconds it advances in a real second: 0 if it is frozen."""
        with self._lock:
            return 0.0 if self._frozen else self._scale

    def http_date(self) -> str:
        """Return the time as an HTTP date (RFC 9110, 5.6.7), clamped to the years 1 to 9999."""
        return formatdate(min(max(self.now(), _FIRST), _LAST), usegmt=True)

    def advance(self, seconds: float) -> None:
        """Move the clock by ``seconds``, which may be negative. A frozen clock stays frozen."""
        with self._lock:
            self._base += seconds
        self._notify()

    def set(self, seconds: float) -> None:
        """Set the clock to ``seconds`` since 1970."""
        with self._lock:
            self._base, self._since = seconds, time.monotonic()
        self._notify()

    def freeze(self, frozen: bool = True) -> None:
        """Freeze the clock, or let it run on from its current time."""
        with self._lock:
            self._base, self._since = self._now(), time.monotonic()
            self._frozen = frozen
        self._notify()

    def set_scale(self, scale: float) -> None:
        """Run the clock ``scale`` times as fast as real time from now on."""
        with self._lock:
            self._base, self._since = self._now(), time.monotonic()
            self._scale = scale
        self._notify()

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every change of the clock: moved, frozen, released or rescaled."""
        self._listeners += (listener,)

    def real_seconds_until(self, then: float) -> float:
        """Return the real seconds until the clock shows ``then``; infinity if it is frozen before that time."""
        with self._lock:
            left = max(0.0, then - self._now())
            is_stopped = self._frozen or not self._scale
            return math.inf if left and is_stopped else left and left / self._scale

    def state(self) -> dict[str, object]:
        """Return the time (``now``), whether the clock is ``frozen``, and its ``scale``."""
        with self._lock:
            return {"now": self._now(), "frozen": self._frozen, "scale": self._scale}

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()

    def _now(self) -> float:
        return self._base if self._frozen else self._base + (time.monotonic() - self._since) * self._scale
