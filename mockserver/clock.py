"""The clock that everything timed reads. It can be frozen, moved and made to run faster."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from email.utils import formatdate

_A_SECOND = 1.0
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # seconds since 1970: the years 1 to 9999


class Clock:
    """Wall-clock time in seconds since 1970, as the server sees it. Thread-safe.

    ``scale`` is how many of its seconds pass in one real second; ``frozen_at`` stops it there at once.
    """

    def __init__(self, *, scale: float = 1.0, frozen_at: float | None = None) -> None:
        self._lock = threading.Lock()
        self._first_scale, self._frozen_at = scale, frozen_at
        self._listeners: tuple[Callable[[], None], ...] = ()
        self.reset()

    def reset(self) -> None:
        """Has the clock go as it did at the start: on from real time, or frozen where it was."""
        with self._lock:
            self._base = time.time() if self._frozen_at is None else self._frozen_at
            self._since = time.monotonic()
            self._scale = self._first_scale
            self._frozen = self._frozen_at is not None
        self._tell()

    def now(self) -> float:
        """The time."""
        with self._lock:
            return self._now()

    @property
    def is_real(self) -> bool:
        """Whether it shows the real time, to a second, and goes on with it."""
        with self._lock:
            runs = self._scale == 1.0 and not self._frozen
            return runs and abs(self._now() - time.time()) < _A_SECOND

    @property
    def is_frozen(self) -> bool:
        """Whether it stands still until it is moved."""
        with self._lock:
            return self._frozen

    def http_date(self) -> str:
        """Return the time as HTTP writes it (RFC 9110, 5.6.7), within the years that it can write."""
        return formatdate(min(max(self.now(), _FIRST), _LAST), usegmt=True)

    def advance(self, seconds: float) -> None:
        """Moves the clock by ``seconds``, also backwards, and also when it is frozen."""
        with self._lock:
            self._base += seconds
        self._tell()

    def set(self, seconds: float) -> None:
        """Sets the clock to ``seconds`` since 1970."""
        with self._lock:
            self._base, self._since = seconds, time.monotonic()
        self._tell()

    def freeze(self, frozen: bool = True) -> None:
        """Stops the clock, or lets it go on from where it stands."""
        with self._lock:
            self._base, self._since = self._now(), time.monotonic()
            self._frozen = frozen
        self._tell()

    def set_scale(self, scale: float) -> None:
        """Has the clock run ``scale`` times as fast as real time from now on."""
        with self._lock:
            self._base, self._since = self._now(), time.monotonic()
            self._scale = scale
        self._tell()

    def listen(self, listener: Callable[[], None]) -> None:
        """Calls ``listener`` from now on whenever the clock was moved, stopped or made to run otherwise."""
        self._listeners += (listener,)

    def real_seconds_until(self, then: float) -> float:
        """How long it takes in real time until the clock shows ``then``, if nobody touches it meanwhile."""
        with self._lock:
            left = max(0.0, then - self._now())
            stands_still = self._frozen or not self._scale
            return math.inf if left and stands_still else left and left / self._scale

    def state(self) -> dict[str, object]:
        """The time, whether it is frozen, and the scale."""
        with self._lock:
            return {"now": self._now(), "frozen": self._frozen, "scale": self._scale}

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()

    def _now(self) -> float:
        return self._base if self._frozen else self._base + (time.monotonic() - self._since) * self._scale
