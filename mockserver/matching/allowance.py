"""Limits on the work of callers' templates, JSONPaths and patterns: steps, and seconds of processor time.

All evaluations for one request share the limits (``sharing``). A short evaluation never waits. Long ones run one at a
time, so that together they use the interpreter no more than one thread would.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from mockserver.matching.expressions import Expression
    from mockserver.settings.model import Settings

_FREE_STEPS = 10_000  # steps of a short evaluation
_CHECK_EVERY = 1_000  # steps between two checks of the processor time
_CHARACTERS_A_STEP = 64  # of a text that is searched
_FREE_SEARCH = 10_000_000  # bytes of text times instructions of a pattern, in a short evaluation
_SEARCHED_A_SECOND = 100_000_000  # bytes of text times instructions of a pattern; RE2's lowest speed
_slow_lane = threading.RLock()  # held by the long evaluation that runs


class ScriptLimits(NamedTuple):
    """Limits on the evaluation of templates, JSONPaths and patterns. ``seconds`` are processor time."""

    template_steps: int = 500_000
    template_characters: int = 1 << 20  # of any text that a template creates
    path_steps: int = 300_000  # values visited, each visit counted
    seconds: float = 2.0

    @classmethod
    def of(cls, settings: Settings) -> ScriptLimits:
        """Return the limits in the settings."""
        return cls(
            settings.template_steps,
            settings.template_characters,
            settings.path_steps,
            settings.script_seconds,
        )


USUAL = ScriptLimits()


class Exhausted(ValueError):
    """An evaluation that exceeds its limits. The message names the limit."""


class Seconds:
    """A stopwatch of one thread's processor time within ``with``, with a ``limit`` in seconds."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
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
    def are_used_up(self) -> bool:
        """Return whether the limit is exceeded. Valid only within ``with``."""
        return self._used + time.thread_time() - self._began > self.limit


class Allowance:
    """The steps and seconds left to the evaluations of one thread. Used within ``with``, which can be repeated."""

    def __init__(self, steps: int, seconds: Seconds) -> None:
        self.was_exceeded = False
        self._max_steps = steps
        self._seconds = seconds
        self._spent = 0
        self._searched = 0
        self._next_check = min(_FREE_STEPS, steps)
        self._is_slow = False

    def __enter__(self) -> Self:
        self._seconds.__enter__()
        if self._spent > _FREE_STEPS or self._searched > _FREE_SEARCH:
            self._enter_slow_lane()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._seconds.__exit__(kind, error, traceback)
        if self._is_slow:
            _slow_lane.release()
            self._is_slow = False

    def spend(self, steps: int = 1) -> None:
        """Count steps before they are taken. Raises ``Exhausted``."""
        self._spent += steps
        if self._spent > self._next_check:
            self._check()

    def spend_on_search(self, expression: Expression, text: str) -> None:
        """Count a search for a regular expression in a text before it begins. Raises ``Exhausted``.

        A single search that may exceed the limit is refused at once, because a search cannot be interrupted.
        """
        work = len(text) * expression.size
        if work > self._seconds.limit * _SEARCHED_A_SECOND:
            raise self._exhausted(
                f"it may take more than {self._seconds.limit:g} seconds in {len(text):,} characters"
            )
        self._searched += work
        if self._searched > _FREE_SEARCH:
            self._check_seconds()
        self.spend(1 + len(text) // _CHARACTERS_A_STEP)

    def _check(self) -> None:
        if self._spent > self._max_steps:
            raise self._exhausted(f"it takes more than {self._max_steps:,} steps")
        self._check_seconds()
        self._next_check = min(self._spent + _CHECK_EVERY, self._max_steps)

    def _check_seconds(self) -> None:
        self._enter_slow_lane()
        if self._seconds.are_used_up:
            raise self._exhausted(f"it takes more than {self._seconds.limit:g} seconds")

    def _enter_slow_lane(self) -> None:
        if not self._is_slow:
            _slow_lane.acquire()
            self._is_slow = True

    def _exhausted(self, reason: str) -> Exhausted:
        self.was_exceeded = True
        return Exhausted(reason)


class Scripts:
    """The allowances of all evaluations for one request, or for a query of ``documents`` requests.

    ``paths`` is for JSONPaths, ``templates`` for the templates of the reply, ``texts`` for searches in texts, whose
    steps are unlimited. All three share the seconds.
    """

    def __init__(self, limits: ScriptLimits, documents: int = 1) -> None:
        self.limits = limits
        self._documents = documents
        self._made: list[Allowance] = []

    @cached_property
    def paths(self) -> Allowance:
        """Return the allowance of JSONPaths."""
        return self._of_conditions(self.limits.path_steps * max(self._documents, 1))

    @cached_property
    def texts(self) -> Allowance:
        """Return the allowance of searches in texts."""
        return self._of_conditions(sys.maxsize)

    @cached_property
    def templates(self) -> Allowance:
        """Return the allowance of templates."""
        return Allowance(self.limits.template_steps, self._seconds)

    @property
    def left_conditions_open(self) -> bool:
        """Return whether the evaluation of a condition was aborted."""
        return any(each.was_exceeded for each in self._made)

    @cached_property
    def _seconds(self) -> Seconds:
        return Seconds(self.limits.seconds)

    def _of_conditions(self, steps: int) -> Allowance:
        allowance = Allowance(steps, self._seconds)
        self._made.append(allowance)
        return allowance


_scripts: ContextVar[Scripts] = ContextVar("scripts")


@contextmanager
def sharing(limits: ScriptLimits, documents: int = 1) -> Iterator[Scripts]:
    """Share ``limits`` among all evaluations of this thread in the block.

    ``documents`` is the number of requests that paths are evaluated on. A nested block shares the limits of the outer.
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
    """Return the allowances shared in this block; outside of a block new ones with the usual limits."""
    return _scripts.get(None) or Scripts(USUAL)
