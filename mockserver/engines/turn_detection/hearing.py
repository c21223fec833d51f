"""What both kinds of turn detection hear: where speech begins, and how long it has been silent since."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.engines.turn_detection.turns import SpeechStarted, SpeechStopped

if TYPE_CHECKING:
    from mockserver.engines.turn_detection.turns import Window

# Speech goes on down to the threshold minus the margin, or down to the lowest: as in faster-whisper.
_MARGIN, _LOWEST = 0.15, 0.01


class Hearing:
    """Speech and silence, window by window."""

    def __init__(self) -> None:
        self.started_ms: int | None = None  # the time of speech_started, while a turn lasts
        self.silent_windows = 0  # since the last speech of the turn
        self._earliest_ms = 0  # the audio before belongs to the turn before

    @property
    def is_speaking(self) -> bool:
        """Return whether a turn has begun and not ended."""
        return self.started_ms is not None

    def change(self, threshold: float, padding_ms: int) -> None:
        """Set the probability at which speech begins, and the audio of a turn before that."""
        self._threshold = threshold
        self._still_speech = max(threshold - _MARGIN, _LOWEST)
        self._padding_ms = padding_ms

    def cut(self, at_ms: float) -> None:
        """Begin anew at a time."""
        self.started_ms = None
        self._earliest_ms = int(-(-at_ms // 1))

    def resume(self, started_ms: int) -> None:
        """Continue a turn that has begun at a time."""
        self.started_ms = started_ms

    def hear(self, window: Window) -> SpeechStarted | None:
        """Return the begin of a turn, or count the silence in it."""
        if self.started_ms is None:
            if window.probability < self._threshold:
                return None
            self.silent_windows = 0
            self.started_ms = max(window.start_ms - self._padding_ms, self._earliest_ms)
            return SpeechStarted(self.started_ms)
        if window.probability >= self._threshold:
            self.silent_windows = 0
        elif window.probability < self._still_speech or self.silent_windows:
            self.silent_windows += 1
        return None

    def stop(self, window: Window) -> SpeechStopped:
        """End the turn."""
        self.cut(window.end_ms)
        return SpeechStopped(window.end_ms)


class TurnDetector:
    """The part that both kinds of turn detection share."""

    def __init__(self) -> None:
        self._hearing = Hearing()

    @property
    def is_speaking(self) -> bool:
        """Return whether a turn has begun and not ended."""
        return self._hearing.is_speaking

    def cut(self, at_ms: float) -> None:
        """Begin anew: the audio before ``at_ms`` was committed or cleared. A later turn begins after it."""
        self._hearing.cut(at_ms)

    def resume(self, started_ms: int) -> None:
        """Continue a turn that the other kind of detection has heard begin."""
        self._hearing.resume(started_ms)
