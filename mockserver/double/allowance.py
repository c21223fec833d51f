"""Limits on the work of callers' templates and JSONPaths: steps, and seconds of processor time.

An evaluation of few steps never waits. Longer ones run one at a time, so that together they take the interpreter
as one thread would.
"""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from mockserver.settings import Settings

_AT_EASE = 10_000  # steps that never wait
_LOOK = 1_000  # steps from one look at the clock to the next
_slow_lane = threading.RLock()


class ScriptLimits(NamedTuple):
    """What an evaluation of a template, or of a JSONPath, may take. ``seconds`` are of processor time."""

    template_steps: int = 500_000
    template_characters: int = 1 << 20  # of any text that it makes
    path_steps: int = 300_000  # values looked at, those that are looked at again counted again
    seconds: float = 2.0

    @classmethod
    def of(cls, settings: Settings) -> ScriptLimits:
        """Return those of the settings."""
        return cls(
            settings.template_steps,
            settings.template_characters,
            settings.path_steps,
            settings.script_seconds,
        )


USUAL = ScriptLimits()


class Exhausted(ValueError):
    """An evaluation exceeds its limits. The message names the limit."""


class Allowance:
    """The steps and seconds that are left to one evaluation. Used in one thread, within ``with``."""

    def __init__(self, steps: int, seconds: float) -> None:
        self._most = steps
        self._seconds = seconds
        self._spent = 0
        self._next_look = min(_AT_EASE, steps)
        self._is_slow = False
        self._ends = 0.0

    def __enter__(self) -> Self:
        self._ends = time.thread_time() + self._seconds
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._is_slow:
            _slow_lane.release()
            self._is_slow = False

    def spend(self, steps: int = 1) -> None:
        """Count what is about to be done. Raises ``Exhausted``."""
        self._spent += steps
        if self._spent > self._next_look:
            self._look()

    def _look(self) -> None:
        if self._spent > self._most:
            raise Exhausted(f"it takes more than {self._most:,} steps")
        if not self._is_slow:
            _slow_lane.acquire()
            self._is_slow = True
        if time.thread_time() > self._ends:
            raise Exhausted(f"it takes more than {self._seconds:g} seconds")
        self._next_look = min(self._spent + _LOOK, self._most)
