"""The values of turn detection. Times are milliseconds of all audio since the session began."""

from __future__ import annotations

from typing import NamedTuple

WINDOW_MS = 32  # the audio of one decision


class Window(NamedTuple):
    """A completed window of audio, with the probability that it contains speech (0 to 1)."""

    end_ms: int
    probability: float

    @property
    def start_ms(self) -> int:
        """Return the time at which the window begins."""
        return self.end_ms - WINDOW_MS


class SpeechStarted(NamedTuple):
    """Someone has begun to speak; the turn begins at ``at_ms``, some padding before."""

    at_ms: int


class SpeechStopped(NamedTuple):
    """The turn has ended, after some silence, at ``at_ms``."""

    at_ms: int


class TimedOut(NamedTuple):
    """Nobody has spoken from ``start_ms``, when the last reply had been played, to ``end_ms``."""

    start_ms: int
    end_ms: int


Turn = SpeechStarted | SpeechStopped | TimedOut


def in_windows(milliseconds: float) -> int:
    """Return the number of whole windows that last at least so long."""
    return int(-(-milliseconds // WINDOW_MS))
