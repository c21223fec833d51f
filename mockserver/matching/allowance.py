"""Limits on the work of callers' templates, JSONPaths and patterns: steps, and seconds of processor time.

Everything that is evaluated for one request shares the limits (``sharing``). An evaluation of few steps never waits.
Longer ones run one at a time, so that together they take the interpreter as one thread would.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from mockserver.matching.expressions import Expression
    from mockserver.settings.model import Settings

_AT_EASE = 10_000  # steps that never wait
_LOOK = 1_000  # steps from one look at the clock to the next
_CHARACTERS_A_STEP = 64  # of a text that is searched
_SEARCHED_AT_EASE = 10_000_000  # the same as below, before the clock is looked at
_SEARCHED_A_SECOND = 100_000_000  # bytes of text times instructions of a pattern, by RE2 at its slowest
_slow_lane = threading.RLock()


class ScriptLimits(NamedTuple):
    """What the evaluation of templates, JSONPaths and patterns may take. ``seconds`` are of processor time."""

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


class Seconds:
    """Processor time of one thread, of which ``most`` may be used within ``with``."""

    def __init__(self, most: float) -> None:
        self.most = most
        self._used = 0.0
        self._began = 0.0
        self._depth = 0

    def __enter__(self) -> Self:
        if not self._depth:
            self._began = time.thread_time()
        self._depth += 1
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._depth -= 1
        if not self._depth:
            self._used += time.thread_time() - self._began

    @property
    def are_over(self) -> bool:
        """Return whether more have been used than may be; asked within ``with``."""
        return self._used + time.thread_time() - self._began > self.most


class Allowance:
    """The steps and seconds that are left to evaluations. Used in one thread, within ``with``, also several times."""

    def __init__(self, steps: int, seconds: Seconds) -> None:
        self.was_exceeded = False
        self._most = steps
        self._seconds = seconds
        self._spent = 0
        self._searched = 0
        self._next_look = min(_AT_EASE, steps)
        self._is_slow = False

    def __enter__(self) -> Self:
        self._seconds.__enter__()
        if self._spent > _AT_EASE or self._searched > _SEARCHED_AT_EASE:
            self._slow_down()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._seconds.__exit__(kind, error, traceback)
        if self._is_slow:
            _slow_lane.release()
            self._is_slow = False

    def spend(self, steps: int = 1) -> None:
        """Count what is about to be done. Raises ``Exhausted``."""
        self._spent += steps
        if self._spent > self._next_look:
            self._look()

    def spend_on_search(self, expression: Expression, text: str) -> None:
        """Count that a regular expression is about to be sought in a text. Raises ``Exhausted``.

        Also for a single search that might take too long, which nothing can end once it has begun.
        """
        work = len(text) * expression.size
        if work > self._seconds.most * _SEARCHED_A_SECOND:
            raise self._exhausted(
                f"it may take more than {self._seconds.most:g} seconds in {len(text):,} characters"
            )
        self._searched += work
        if self._searched > _SEARCHED_AT_EASE:
            self._look_at_clock()
        self.spend(1 + len(text) // _CHARACTERS_A_STEP)

    def _look(self) -> None:
        if self._spent > self._most:
            raise self._exhausted(f"it takes more than {self._most:,} steps")
        self._look_at_clock()
        self._next_look = min(self._spent + _LOOK, self._most)

    def _look_at_clock(self) -> None:
        self._slow_down()
        if self._seconds.are_over:
            raise self._exhausted(f"it takes more than {self._seconds.most:g} seconds")

    def _slow_down(self) -> None:
        if not self._is_slow:
            _slow_lane.acquire()
            self._is_slow = True

    def _exhausted(self, reason: str) -> Exhausted:
        self.was_exceeded = True
        return Exhausted(reason)


class Scripts:
    """What is left to all that is evaluated for one request, or in a question about ``documents`` of them.

    ``paths`` are JSONPaths, ``templates`` those of the reply, ``texts`` what is sought in texts, which has no bound but
    the seconds. Those are shared by all three.
    """

    def __init__(self, limits: ScriptLimits, documents: int = 1) -> None:
        seconds = Seconds(limits.seconds)
        self.limits = limits
        self.paths = Allowance(limits.path_steps * max(documents, 1), seconds)
        self.templates = Allowance(limits.template_steps, seconds)
        self.texts = Allowance(sys.maxsize, seconds)

    @property
    def left_conditions_open(self) -> bool:
        """Return whether a condition was not evaluated to its end."""
        return self.paths.was_exceeded or self.texts.was_exceeded


_scripts: ContextVar[Scripts] = ContextVar("scripts")


@contextmanager
def sharing(limits: ScriptLimits, documents: int = 1) -> Iterator[Scripts]:
    """Have all that this thread evaluates in the block share what ``limits`` allow.

    ``documents`` is how many requests paths are evaluated on. Within another such block what that one allows is shared.
    """
    outer = _scripts.get(None)
    if outer is not None:
        yield outer
        return
    token = _scripts.set(Scripts(limits, documents))
    try:
        yield _scripts.get()
    finally:
        _scripts.reset(token)


def scripts() -> Scripts:
    """Return what this block shares; outside of any, the usual for a single evaluation."""
    return _scripts.get(None) or Scripts(USUAL)
