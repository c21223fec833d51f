"""Schedules transcriptions: clips share a few workers and take turns of one window (30 seconds)."""

from __future__ import annotations

import threading

from mockserver.engines.transcription import EngineBusy


class Turns:
    """A scheduler that lets ``workers`` clips be transcribed at a time; at most ``waiting`` more may wait.

    All clips together may have ``seconds`` of audio left to transcribe. A longer clip is admitted if it is alone.
    """

    def __init__(self, workers: int, waiting: int, seconds: float) -> None:
        self._lock = threading.Lock()
        self._free = workers
        self._max_clips = workers + waiting
        self._max_seconds = seconds
        self._clips: list[Turn] = []  # in order of arrival
        self._waiting: list[Turn] = []  # those that wait for their turn
        self._oldest_is_next = False

    def admit(self) -> Turn:
        """Admit one more clip and return its turn; end it with ``leave``. Raises ``EngineBusy``."""
        with self._lock:
            if len(self._clips) >= self._max_clips:
                raise EngineBusy("too many transcriptions are waiting for Whisper")
            self._clips.append(turn := Turn())
            return turn

    def expect(self, turn: Turn, seconds: float) -> None:
        """Set the length of a clip. Raises ``EngineBusy`` if it exceeds the seconds that are left."""
        with self._lock:
            left = sum(other.left for other in self._clips if other is not turn)
            if left and left + seconds > self._max_seconds:
                raise EngineBusy(f"{left:.0f} seconds of audio are waiting for Whisper already")
            turn.left = seconds

    def take(self, turn: Turn, left: float) -> bool:
        """End the clip's current turn, if any, and wait for its next. Return ``False`` if the clip was dropped.

        ``left`` is the number of seconds that remain to be transcribed.
        """
        with self._lock:
            turn.left = left
            self._end(turn)
            if not turn.is_dropped:
                turn.called.clear()
                self._waiting.append(turn)
            self._give()
        turn.called.wait()
        return not turn.is_dropped

    def end(self, turn: Turn) -> None:
        """End the clip's turn, if it has one."""
        with self._lock:
            self._end(turn)
            self._give()

    def drop(self, turn: Turn) -> None:
        """Give the clip no further turn after its current one."""
        with self._lock:
            turn.is_dropped = True
            if turn in self._waiting:
                self._waiting.remove(turn)
            turn.called.set()

    def leave(self, turn: Turn) -> None:
        """Remove the clip, which has ended."""
        with self._lock:
            self._end(turn)
            self._clips.remove(turn)
            self._give()

    def _end(self, turn: Turn) -> None:
        if turn.is_running:
            turn.is_running = False
            self._free += 1

    def _give(self) -> None:
        """Give free workers, alternately, to the oldest clip and to the clip with the least left to transcribe.

        This way a short clip does not wait for the end of a long one, and a long clip is not delayed forever by short
        ones.
        """
        while self._free and self._waiting:
            if self._oldest_is_next:
                turn = min(self._waiting, key=self._clips.index)
            else:
                turn = min(self._waiting, key=lambda each: each.left)
            self._oldest_is_next = not self._oldest_is_next
            self._waiting.remove(turn)
            self._free -= 1
            turn.is_running = True
            turn.called.set()


class Turn:
    """The place of a clip in the schedule. Only ``Turns`` changes its members; ``left`` is in seconds."""

    def __init__(self) -> None:
        self.left = 0.0
        self.is_running = self.is_dropped = False
        self.called = threading.Event()
