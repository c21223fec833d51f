"""The utterances that the server has spoken, so that their clips are transcribed exactly.

An utterance is recognised by the SHA-256 of the bytes that were sent, in any format, and by the hash of its PCM, which
is the same in another lossless container. In a stream it is recognised by its sound (``excerpts``).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from msgspec import Struct

from mockserver.audio.encode import SPEECH_SAMPLE_RATE
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.derive import segments_of_words
from mockserver.engines.transcription import Segment, Transcription, Word

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import TranscriptionOptions

MAX_PCM_BYTES = 16 << 20  # of all utterances together: six minutes


class Spoken(Struct, frozen=True):
    """An utterance: its words with their times, its language, and its duration in seconds."""

    words: tuple[Word, ...]
    language: str
    duration: float

    @property
    def segments(self) -> tuple[Segment, ...]:
        """Return one segment per sentence."""
        return segments_of_words(self.words)


class SpokenSound(Struct, eq=False):
    """The sound of an utterance: ``pcm`` is s16le mono at ``rate``, empty once it is no longer needed or kept."""

    spoken: Spoken
    pcm: bytes
    rate: int


class SpokenMemory:
    """The last ``capacity`` utterances; a ``Transcriber`` of exactly these."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._utterances: OrderedDict[str, Spoken] = OrderedDict()
        self._sounds: OrderedDict[str, SpokenSound] = OrderedDict()
        self._lock = threading.Lock()
        self.revision = 0  # changes with the utterances

    def remember(
        self,
        spoken: Spoken,
        *,
        sha256: str,
        pcm_sha256: str,
        pcm: bytes = b"",
        rate: int = SPEECH_SAMPLE_RATE,
    ) -> None:
        """Remember an utterance by the hash of the file that was sent and by the hash of its PCM.

        With ``pcm``, s16le mono at 8 or 24 kHz, it is also recognised in streams.
        """
        with self._lock:
            self.revision += 1
            self._sounds.pop(pcm_sha256, None)
            self._sounds[pcm_sha256] = SpokenSound(spoken, pcm, rate)
            self._limit_sounds()
            for key in (sha256, pcm_sha256):
                self._utterances[key] = spoken
                self._utterances.move_to_end(key)
            while len(self._utterances) > 2 * self._capacity:
                self._utterances.popitem(last=False)

    def forget(self) -> None:
        """Forget every utterance of every account."""
        with self._lock:
            self._utterances.clear()
            self._sounds.clear()
            self.revision += 1

    def sounds(self) -> list[SpokenSound]:
        """Return the sounds of the utterances, the last one at the end."""
        with self._lock:
            return list(self._sounds.values())

    def _limit_sounds(self) -> None:
        """Forget the oldest sounds, and the samples of older ones that nobody has asked for."""
        while len(self._sounds) > self._capacity:
            self._sounds.popitem(last=False)
        left = MAX_PCM_BYTES
        for sound in reversed(self._sounds.values()):
            left -= len(sound.pcm)
            if left < 0:
                sound.pcm = b""

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
