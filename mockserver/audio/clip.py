"""Clips: uploaded audio files with facts that are determined lazily."""

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
    """An uploaded audio file with its name. At most ``max_seconds`` of it are decoded.

    With ``keep_samples``, the samples of a short clip are kept when it is decoded for its facts. Those of a long clip
    are decoded when they are read: a small file can contain hours.
    ``look`` is called repeatedly while the clip is decoded for its facts; if it raises, decoding ends.
    Known facts (of a fixture) can be set; then the clip is not decoded for them.
    A clip belongs to one request. If two threads read its facts at once, both may decode it, with the same result.
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
        """Return the extension of the name, in lower case without the dot; empty if there is none."""
        return PurePath(self.name).suffix[1:].lower()

    @property
    def max_seconds(self) -> float:
        """Return how many seconds of it are decoded at most."""
        return self._max_seconds

    @property
    def sha256(self) -> str:
        """Return the SHA-256 of the file, in hex."""
        return self.content.sha256

    @property
    def facts(self) -> ClipFacts:
        """Return the facts; decode the clip if they are unknown. Raises ``UnusableAudio``."""
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
        """Return the facts if they are known, else ``None``. Nothing is decoded."""
        return self._facts

    @property
    def duration(self) -> float:
        """Return the duration in seconds. Raises what ``facts`` raises."""
        return self.facts.duration

    def samples(self) -> Samples:
        """Return the samples, mono, 16 kHz. Reading them raises ``UndecodableAudio`` and ``AudioTooLong``."""
        kept = self._kept
        return Samples(self._pieces if kept is None else lambda: iter((kept,)))

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        from mockserver.audio.decode import pieces

        return pieces(self.content, self._max_seconds)
