"""The server's clock, which can be frozen, moved and sped up."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any, NamedTuple

_A_SECOND = 1.0
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # seconds since 1970: the years 1 to 9999


class _Reading(NamedTuple):
    """What the clock showed (``base``) at a time of ``time.monotonic`` (``since``), and how it goes on from there."""

    base: float
    since: float
    scale: float
    is_frozen: bool

    def now(self) -> float:
        """Return the time now."""
        return self.base if self.is_frozen else self.base + (time.monotonic() - self.since) * self.scale


class Clock:
    """The wall-clock time of the server, in seconds since 1970. Thread-safe.

    ``scale`` is its speed as a multiple of real time; with ``frozen_at`` it starts frozen at that time.
    Reading takes no lock: many threads read it often, and would wait for each other.
    """

    def __init__(self, *, scale: float = 1.0, frozen_at: float | None = None) -> None:
        self._lock = threading.Lock()  # for changes
        self._first_scale, self._frozen_at = scale, frozen_at
        self._listeners: tuple[Callable[[], None], ...] = ()
        self.reset()

    def reset(self) -> None:
        """Restore the initial state: real time at the initial scale, or frozen at ``frozen_at``."""
        base = time.time() if self._frozen_at is None else self._frozen_at
        with self._lock:
            self._reading = _Reading(base, time.monotonic(), self._first_scale, self._frozen_at is not None)
        self._notify()

    def now(self) -> float:
        """Return the time in seconds since 1970."""
        return self._reading.now()

    @property
    def is_real(self) -> bool:
        """Return whether the clock shows real time, to a second, and runs at its speed."""
        reading = self._reading
        runs = reading.scale == 1.0 and not reading.is_frozen
        return runs and abs(reading.now() - time.time()) < _A_SECOND

    @property
    def is_frozen(self) -> bool:
        """Return whether the clock is frozen."""
        return self._reading.is_frozen

    @property
    def speed(self) -> float:
        """Return how many seconds it advances in a real second: 0 if it is frozen."""
        reading = self._reading
        return 0.0 if reading.is_frozen else reading.scale

    def http_date(self) -> str:
        """Return the time as an HTTP date (RFC 9110, 5.6.7), clamped to the years 1 to 9999."""
        return formatdate(min(max(self.now(), _FIRST), _LAST), usegmt=True)

    def advance(self, seconds: float) -> None:
        """Move the clock by ``seconds``, which may be negative. A frozen clock stays frozen."""
        with self._lock:
            self._reading = self._reading._replace(base=self._reading.base + seconds)
        self._notify()

    def set(self, seconds: float) -> None:
        """Set the clock to ``seconds`` since 1970."""
        self._go_on(base=seconds)

    def freeze(self, frozen: bool = True) -> None:
        """Freeze the clock, or let it run on from its current time."""
        self._go_on(is_frozen=frozen)

    def set_scale(self, scale: float) -> None:
        """Run the clock ``scale`` times as fast as real time from now on."""
        self._go_on(scale=scale)

    def listen(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` after every change of the clock: moved, frozen, released or rescaled."""
        self._listeners += (listener,)

    def real_seconds_until(self, then: float) -> float:
        """Return the real seconds until the clock shows ``then``; infinity if it is frozen before that time."""
        reading = self._reading
        left = max(0.0, then - reading.now())
        is_stopped = reading.is_frozen or not reading.scale
        return math.inf if left and is_stopped else left and left / reading.scale

    def state(self) -> dict[str, object]:
        """Return the time (``now``), whether the clock is ``frozen``, and its ``scale``."""
        reading = self._reading
        return {"now": reading.now(), "frozen": reading.is_frozen, "scale": reading.scale}

    def _go_on(self, **changes: Any) -> None:
        """Go on from the current time, with ``changes`` of the reading."""
        with self._lock:
            now = {"base": self._reading.now(), "since": time.monotonic()}
            self._reading = self._reading._replace(**(now | changes))
        self._notify()

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()
