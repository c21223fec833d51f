"""Spreads connections evenly over processes that accept from the same socket.

The system wakes all of them, and the quickest would get many connections. So one that has more than another lets that
one accept first.
"""

from __future__ import annotations

import mmap

_COUNT = 4  # bytes
_ENDED = (1 << 31) - 1  # connections of a process that accepts none


class Turns:
    """The numbers of connections of ``processes``, in memory that they share after a fork."""

    def __init__(self, processes: int) -> None:
        self._open = memoryview(mmap.mmap(-1, _COUNT * processes)).cast("i")
        for number in range(processes):
            self._open[number] = _ENDED

    def note(self, number: int, connections: int) -> None:
        """Note how many ``connections`` the process with a ``number`` (from 0 on) has."""
        self._open[number] = connections

    def end(self, number: int) -> None:
        """Note that a process has ended."""
        self._open[number] = _ENDED

    def has_most(self, number: int) -> bool:
        """Return whether a process has more connections than another one."""
        return self._open[number] > min(self._open)


class Turn:
    """The turns of one process, the one with a ``number``."""

    def __init__(self, turns: Turns, number: int) -> None:
        self._turns = turns
        self._number = number
        self.note(0)

    def note(self, connections: int) -> None:
        """Note how many ``connections`` it has."""
        self._turns.note(self._number, connections)

    @property
    def is_others(self) -> bool:
        """Return whether another process should accept the next connection."""
        return self._turns.has_most(self._number)
