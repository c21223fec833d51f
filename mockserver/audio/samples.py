"""The samples of a clip, decoded while they are read, so that hours need the memory of a few seconds."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BEHIND = 5 * 16_000  # samples that are kept before the current position


class Samples:
    """Samples that ``pieces`` yields: float32[samples], mono, 16 kHz. Each call of it starts with the first piece.

    Read them in order. Going back by more than a few seconds decodes the clip from its start again.
    """

    def __init__(self, pieces: Callable[[], Iterator[NDArray[np.float32]]]) -> None:
        self._pieces = pieces
        self._rewind()

    def _rewind(self) -> None:
        self._coming = self._pieces()
        self._kept: deque[NDArray[np.float32]] = deque()
        # Indices of the first sample that is kept, and of the first that is not decoded yet.
        self._first = self._next = 0

    @property
    def made(self) -> int:
        """Return the number of samples decoded so far; the total, once ``stretch`` has returned fewer than asked."""
        return self._next

    def stretch(self, begin: int, end: int) -> NDArray[np.float32]:
        """Return the samples from ``begin`` up to ``end``; fewer at the end of the clip.

        Raises what ``pieces`` raises, such as ``UndecodableAudio``.
        """
        import numpy as np

        if begin < self._first:
            self._rewind()
        while self._next < end and (piece := next(self._coming, None)) is not None:
            self._kept.append(piece)
            self._next += len(piece)
            self._forget(begin - _BEHIND)
        found, at = [np.zeros(0, np.float32)], self._first
        for piece in self._kept:
            if at < end and at + len(piece) > begin:
                found.append(piece[max(begin - at, 0) : end - at])
            at += len(piece)
        return np.concatenate(found)

    def _forget(self, before: int) -> None:
        """Drop the pieces that end before the sample ``before``."""
        while self._kept and self._first + len(self._kept[0]) <= before:
            self._first += len(self._kept.popleft())
