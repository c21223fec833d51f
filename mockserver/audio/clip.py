"""A clip: an uploaded audio file and what is known about it, found out only when someone asks."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from mockserver.audio.content import Content
from mockserver.audio.samples import Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    from numpy.typing import NDArray

    from mockserver.audio.decode import ClipFacts


_SHORT = 30.0  # seconds; 2 MB of samples


class Clip:
    """An audio file and its name as uploaded. ``max_seconds`` of it are decoded at most.

    With ``keep_samples`` the decoding for the facts keeps the samples of a short clip too, for whoever will want
    both. Those of a long one are made when they are heard: a small file can hold hours.
    ``look`` is called now and then while it is decoded for its facts; what it raises ends that.
    Facts that are known already (the clip is a fixture) can be set; then nothing is decoded for them.
    A clip belongs to one request: two threads asking at once might decode twice, with the same result.
    """

    def __init__(
        self,
        data: bytes | Content,
        name: str,
        max_seconds: float,
        *,
        keep_samples: bool = False,
        look: Callable[[], None] = lambda: None,
    ) -> None:
        self.content = Content.of(data)
        self.name = name
        self._max_seconds = max_seconds
        self._keep_samples = keep_samples
        self._look = look
        self._facts: ClipFacts | None = None
        self._kept: NDArray[np.float32] | None = None

    @property
    def extension(self) -> str:
        """Return what follows the last dot of the name, in lower case; empty when there is none."""
        return PurePath(self.name).suffix[1:].lower()

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the file, in hex."""
        return self.content.sha256

    @property
    def facts(self) -> ClipFacts:
        """Return container, codec, duration and the like. Raises ``UnusableAudio``."""
        if self._facts is None:
            from mockserver.audio.decode import decode

            keep_seconds = _SHORT if self._keep_samples else 0.0
            decoded = decode(
                self.content, keep_seconds=keep_seconds, max_seconds=self._max_seconds, look=self._look
            )
            self._facts, self._kept = decoded.facts, decoded.samples
        return self._facts

    @facts.setter
    def facts(self, facts: ClipFacts) -> None:
        self._facts = facts

    @property
    def known_facts(self) -> ClipFacts | None:
        """Return the facts if they are known already; nothing is decoded for them."""
        return self._facts

    @property
    def duration(self) -> float:
        """Return the seconds that it lasts. Raises as ``facts`` does."""
        return self.facts.duration

    def samples(self) -> Samples:
        """Return the samples, mono, 16 kHz. Reading them raises ``UndecodableAudio`` and ``AudioTooLong``."""
        kept = self._kept
        return Samples(self._pieces if kept is None else lambda: iter((kept,)))

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        from mockserver.audio.decode import pieces

        return pieces(self.content, self._max_seconds)
