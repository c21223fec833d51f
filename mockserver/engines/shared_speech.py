"""What the processes of a server have spoken, in logs that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mockserver.state.protocols import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.state.protocols import Log

_MAX_SAID = 1 << 26  # bytes of all that was said, without its sound


class News(NamedTuple):
    """What was said since the last look. If it ``is_all``, nothing of before counts any more."""

    is_all: bool
    said: list[bytes]


class SharedSpeech:
    """The last utterances: what was said, as bytes, and the last ``max_bytes`` of their samples."""

    def __init__(
        self, open_log: Callable[[str, Bounds], Log], name: str, capacity: int, max_bytes: int
    ) -> None:
        self._said = open_log(name, Bounds(2 * capacity, _MAX_SAID))  # the same can be said again
        self._samples = open_log(f"{name}_samples", Bounds(capacity, max_bytes))
        self._version = self._deletions = -1

    def add(self, key: str, said: bytes, pcm: bytes) -> None:
        """Add an utterance; with ``pcm`` also its samples. Raises ``StateFailed``."""
        if pcm:
            self._samples.append(key, None, pcm)
        self._said.append(key, None, said)

    def news(self) -> News | None:
        """Return what was said since the last call; ``None`` for nothing. Raises ``StateFailed``."""
        state = self._said.state()
        if state.version == self._version:
            return None
        is_all = state.deletions != self._deletions
        entries = self._said.entries(None) if is_all else self._said.changed(None, self._version)
        self._version, self._deletions = state.version, state.deletions
        return News(is_all, [entry.data for entry in entries])

    def samples(self, key: str) -> bytes:
        """Return the samples of an utterance; empty if they are not kept. Raises ``StateFailed``."""
        entry = self._samples.find(None, key)
        return entry.data if entry else b""

    def clear(self) -> None:
        """Remove all utterances. Raises ``StateFailed``."""
        self._said.delete(None)
        self._samples.delete(None)
