"""``server_vad``: a turn ends after a fixed silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.engines.turn_detection.hearing import TurnDetector
from mockserver.engines.turn_detection.turns import WINDOW_MS, TimedOut, Turn, in_windows

if TYPE_CHECKING:
    from mockserver.engines.turn_detection.turns import Window


class ServerVad(TurnDetector):
    """A detector of turns by silence.

    The options can be changed by ``change`` while someone speaks. After a commit by the client call ``cut``.
    """

    def __init__(
        self,
        *,
        threshold: float = 0.5,
        prefix_padding_ms: int = 300,
        silence_duration_ms: int = 200,
        idle_timeout_ms: int | None = None,
    ) -> None:
        super().__init__()
        self._idle_from_ms: float | None = None
        self.change(
            threshold=threshold,
            prefix_padding_ms=prefix_padding_ms,
            silence_duration_ms=silence_duration_ms,
            idle_timeout_ms=idle_timeout_ms,
        )

    def change(
        self,
        *,
        threshold: float,
        prefix_padding_ms: int,
        silence_duration_ms: int,
        idle_timeout_ms: int | None,
    ) -> None:
        """Continue with other options."""
        self._hearing.change(threshold, prefix_padding_ms)
        self._silent_windows = max(in_windows(silence_duration_ms), 1)
        self._idle_timeout_ms = idle_timeout_ms

    def wait_from(self, at_ms: float | None) -> None:
        """Count ``idle_timeout_ms`` from a time: the end of the response plus the duration of its audio.

        The count ends when someone speaks, when it is reached, and with ``None`` (a response has begun).
        """
        self._idle_from_ms = at_ms

    def hear(self, window: Window) -> Turn | None:
        """Return what has happened at the end of a window, if anything has."""
        started = self._hearing.hear(window)
        if not self.is_speaking:
            return self._timed_out(window)
        self._idle_from_ms = None
        if self._hearing.silent_windows >= self._silent_windows:
            return self._hearing.stop(window)
        return started

    def _timed_out(self, window: Window) -> TimedOut | None:
        if self._idle_from_ms is None or self._idle_timeout_ms is None:
            return None
        start = in_windows(self._idle_from_ms) * WINDOW_MS
        if window.end_ms - start < self._idle_timeout_ms:
            return None
        self._idle_from_ms = None
        return TimedOut(start, window.end_ms)
