"""A clip: an uploaded audio file and what is known about it, found out only when someone asks."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from mockserver.audio.content import Content

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mockserver.audio.decode import ClipFacts, Decoded


_SHORT = 60.0  # seconds; 4 MB of samples


class Clip:
    """An audio file and its name as uploaded. ``max_seconds`` of it are decoded at most.

    With ``keep_samples`` the decoding for the facts keeps the samples too, for whoever will want both. Not
    those of a long clip: a small file can hold hours, and would hold gigabytes while it waits to be heard.
    Facts that are known already (the clip is a fixture) can be set; then nothing is decoded for them.
    A clip belongs to one request: two threads asking at once might decode twice, with the same result.
    """

    def __init__(
        self, data: bytes | Content, name: str, max_seconds: float, *, keep_samples: bool = False
    ) -> None:
        self.content = Content.of(data)
        self.name = name
        self._max_seconds = max_seconds
        self._keep_samples = keep_samples
        self._facts: ClipFacts | None = None
        self._samples: NDArray[np.float32] | None = None

    @property
    def extension(self) -> str:
        """What follows the last dot of the name, in lower case; empty when there is none."""
        return PurePath(self.name).suffix[1:].lower()

    @property
    def sha256(self) -> str:
        """The SHA-256 of the file, in hex."""
        return self.content.sha256

    @property
    def facts(self) -> ClipFacts:
        """Container, codec, duration and the like. Raises ``UndecodableAudio`` and ``AudioTooLong``."""
        if self._facts is None:
            decoded = self._decode(keep_seconds=_SHORT if self._keep_samples else 0.0)
            self._facts, self._samples = decoded.facts, decoded.samples
        return self._facts

    @facts.setter
    def facts(self, facts: ClipFacts) -> None:
        self._facts = facts

    @property
    def known_facts(self) -> ClipFacts | None:
        """The facts if they are known already; nothing is decoded for them."""
        return self._facts

    @property
    def duration(self) -> float:
        """Seconds. Raises as ``facts`` does."""
        return self.facts.duration

    @property
    def samples(self) -> NDArray[np.float32]:
        """float32[samples], mono, 16 kHz. Raises ``UndecodableAudio`` and ``AudioTooLong``."""
        if self._samples is None:
            decoded = self._decode(keep_seconds=self._max_seconds)
            self._samples = decoded.samples
            self._facts = self._facts or decoded.facts
        assert self._samples is not None
        return self._samples

    def _decode(self, keep_seconds: float) -> Decoded:
        from mockserver.audio.decode import decode

        return decode(self.content, keep_seconds=keep_seconds, max_seconds=self._max_seconds)
