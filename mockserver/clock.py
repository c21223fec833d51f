"""The server's clock, which can be frozen, moved and sped up."""

from __future__ import annotations

import math
import platform
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path
from typing import Any, NamedTuple

from mockserver.replicas import Replicated, replicated

Moment = list[Any]  # the times of ``time.monotonic`` and ``time.time`` of a machine, and its name

_A_SECOND = 1.0
_FIRST, _LAST = -62_135_596_800, 253_402_300_799  # seconds since 1970: the years 1 to 9999


class _Reading(NamedTuple):
    """What the clock showed (``base``) at a time of ``time.monotonic`` (``since``), and how it goes on from there.

    ``set_back`` is the sum of the seconds by which it was set back.
    """

    base: float
    since: float
    scale: float
    is_frozen: bool
    set_back: float = 0.0

    def at(self, monotonic: float) -> float:
        """Return the time at a time of ``time.monotonic``."""
        return self.base if self.is_frozen else self.base + (monotonic - self.since) * self.scale

    def now(self) -> float:
        """Return the time now."""
        return self.base if self.is_frozen else self.base + (time.monotonic() - self.since) * self.scale

    def steady(self, now: float) -> int:
        """Return the time in microseconds, which goes on where it was if the clock is set back."""
        return round(now * 1e6) + round(self.set_back * 1e6)


class Clock(Replicated):
    """The wall-clock time of the server, in seconds since 1970. Thread-safe.

    ``scale`` is its speed as a multiple of real time; with ``frozen_at`` it starts frozen at that time.
    Reading takes no lock: many threads read it often, and would wait for each other.
    """

    def __init__(self, *, scale: float = 1.0, frozen_at: float | None = None) -> None:
        self._first_scale, self._frozen_at = scale, frozen_at
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._lock = threading.Lock()  # for changes
        base = time.time() if frozen_at is None else frozen_at
        self._reading = _Reading(base, time.monotonic(), scale, frozen_at is not None)

    def reset(self, at: Moment | None = None) -> None:
        """Restore the initial state: real time (of ``at``) at the initial scale, or frozen at ``frozen_at``."""
        at = at or moment()
        base = at[1] if self._frozen_at is None else self._frozen_at
        self._set(at, base, self._first_scale, self._frozen_at is not None)

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

    def steady(self, at: Moment | None = None) -> int:
        """Return the time (``at`` a moment, or now) in microseconds, which continues if the clock is set back."""
        reading = self._reading
        return reading.steady(reading.now() if at is None else reading.at(_here(at)))

    @replicated
    def advance(self, seconds: float) -> None:
        """Move the clock by ``seconds``, which may be negative. A frozen clock stays frozen."""
        with self._lock:
            reading = self._reading
            set_back = reading.set_back + max(0.0, -seconds)
            self._reading = reading._replace(base=reading.base + seconds, set_back=set_back)
        self._notify()

    def set(self, seconds: float) -> None:
        """Set the clock to ``seconds`` since 1970."""
        self._set(moment(), base=seconds)

    def freeze(self, frozen: bool = True) -> None:
        """Freeze the clock, or let it run on from its current time."""
        self._set(moment(), frozen=frozen)

    def set_scale(self, scale: float) -> None:
        """Run the clock ``scale`` times as fast as real time from now on."""
        self._set(moment(), scale=scale)

    def restore(self, state: dict[str, Any], at: Moment) -> None:
        """Show the time of a ``state`` at a moment, and go on at its scale."""
        self._set(at, state["now"], state["scale"], state["frozen"])

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

    def replica_state(self) -> dict[str, Any]:
        """Return the reading. Other processes can compute the time from it."""
        reading = self._reading
        return {**reading._asdict(), "since": moment(reading.since)}

    def set_replica_state(self, state: dict[str, Any]) -> None:
        """Show the time of another clock."""
        with self._lock:
            self._reading = _Reading(**{**state, "since": _here(state["since"])})
        self._notify()

    @replicated
    def _set(
        self,
        at: Moment,
        base: float | None = None,
        scale: float | None = None,
        frozen: bool | None = None,
    ) -> None:
        """Go on from the time at a moment, with another time, scale or state."""
        with self._lock:
            reading, since = self._reading, _here(at)
            before = reading.at(since)
            after = before if base is None else base
            self._reading = _Reading(
                after,
                since,
                reading.scale if scale is None else scale,
                reading.is_frozen if frozen is None else frozen,
                reading.set_back + max(0.0, before - after),
            )
        self._notify()

    def _notify(self) -> None:
        for listener in self._listeners:
            listener()


def _machine() -> str:
    """Return a name of this machine since it was started: its processes have the same ``time.monotonic``."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return f"{platform.node()} since {round(time.time() - time.monotonic())}"


_MACHINE = _machine()


def moment(monotonic: float | None = None) -> Moment:
    """Return now, or a time of ``time.monotonic``, for other processes."""
    now = time.monotonic()
    at = now if monotonic is None else monotonic
    return [at, time.time() - (now - at), _MACHINE]


def _here(at: Moment) -> float:
    """Return the time of ``time.monotonic`` at a moment, perhaps of another machine."""
    monotonic, wall, machine = at
    return float(monotonic) if machine == _MACHINE else time.monotonic() - (time.time() - wall)
