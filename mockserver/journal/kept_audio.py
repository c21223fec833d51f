"""The audio files of requests and answers, if the setting ``keep_audio`` is not 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.audio.content import Content
    from mockserver.state.protocols import Log, LogState


class KeptAudio:
    """Audio files by SHA-256, at most ``max_bytes`` bytes in ``log``; the least recently added are dropped."""

    def __init__(self, log: Log, max_bytes: int) -> None:
        self._log = log
        self._max_bytes = max_bytes
        self._places: dict[str, int] = {}  # of the files that this process has added

    def keep(self, sha256: str, content: Content) -> None:
        """Keep a file, if it is not too large. If it is among the older half of those that are kept, add it again."""
        if content.size > self._max_bytes:
            return
        state = self._log.state()
        if self._places.get(sha256, state.first - 1) < (state.first + state.last + 1) // 2:
            self._places[sha256] = self._log.append(sha256, None, content.read())
            self._forget_dropped(state)

    def get(self, sha256: str) -> bytes | None:
        """Return a file; ``None`` if it was not kept, or was dropped."""
        entry = self._log.find(None, sha256)
        return entry.data if entry else None

    def clear(self) -> None:
        """Remove all files."""
        self._log.delete(None)

    def _forget_dropped(self, state: LogState) -> None:
        if len(self._places) > 2 * state.entries + 100:
            self._places = {sha256: place for sha256, place in self._places.items() if place >= state.first}
