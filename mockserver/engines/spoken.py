"""The utterances that the server has spoken, so that their clips are transcribed exactly.

An utterance is recognised by the SHA-256 of the bytes that were sent, in any format, and by the hash of its PCM, which
is the same in another lossless container.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from msgspec import Struct

from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.derive import segments_of_words
from mockserver.engines.transcription import Segment, Transcription, Word

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import TranscriptionOptions


class Spoken(Struct, frozen=True):
    """An utterance: its words with their times, its language, and its duration in seconds."""

    words: tuple[Word, ...]
    language: str
    duration: float

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Return one segment per sentence."""
        return segments_of_words(self.words)


class SpokenMemory:
    """The last ``capacity`` utterances; a ``Transcriber`` of exactly these."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._utterances: OrderedDict[str, Spoken] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, spoken: Spoken, *, sha256: str, pcm_sha256: str) -> None:
        """Remember an utterance by the hash of the file that was sent and by the hash of its PCM."""
        with self._lock:
            for key in (sha256, pcm_sha256):
                self._utterances[key] = spoken
                self._utterances.move_to_end(key)
            while len(self._utterances) > 2 * self._capacity:
                self._utterances.popitem(last=False)

    def forget(self) -> None:
        """Forget every utterance of every account."""
        with self._lock:
            self._utterances.clear()

    def transcribe(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """Return the transcription of a clip that this server spoke, else ``None``. Nothing is translated."""
        if not self._utterances:
            return None
        spoken = self._find(clip.sha256) or self._find(clip.facts.pcm_sha256)
        if spoken is None or (options.task == "translate" and spoken.language != "en"):
            return None
        duration = clip.facts.duration
        languages = (spoken.language,) if spoken.words else ()
        return Transcription(AnsweredBy("spoken"), duration, languages, spoken.segments)

    def _find(self, key: str) -> Spoken | None:
        with self._lock:
            return self._utterances.get(key)
