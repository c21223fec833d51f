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
_OF_REPLIES = 8  # replies of sessions have an eighth of the places, and of the bytes


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
    """The sound of an utterance: ``pcm`` is s16le mono at ``rate``, empty once it is no longer needed or kept.

    ``is_lost`` if it was not kept although it might have been needed.
    """

    spoken: Spoken
    pcm: bytes
    rate: int
    is_lost: bool = False


class _Shelf:
    """The last ``capacity`` utterances, and the samples of ``max_bytes`` of them that nobody has asked for."""

    def __init__(self, capacity: int, max_bytes: int) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self.utterances: OrderedDict[str, Spoken] = OrderedDict()  # by two hashes
        self.sounds: OrderedDict[str, SpokenSound] = OrderedDict()

    def add(self, sound: SpokenSound, sha256: str, pcm_sha256: str) -> bool:
        """Put an utterance last. Return ``False`` if its sound is there already."""
        known = self.sounds.get(pcm_sha256)
        is_known = known is not None and known.spoken == sound.spoken and not known.is_lost
        if not is_known:
            self.sounds[pcm_sha256] = sound
        self.sounds.move_to_end(pcm_sha256)
        for key in (sha256, pcm_sha256):
            self.utterances[key] = sound.spoken
            self.utterances.move_to_end(key)
        while len(self.utterances) > 2 * self._capacity:
            self.utterances.popitem(last=False)
        self._limit_sounds()
        return not is_known

    def clear(self) -> None:
        """Forget every utterance."""
        self.utterances.clear()
        self.sounds.clear()

    def _limit_sounds(self) -> None:
        """Forget the oldest sounds, and the samples of older ones that nobody has asked for."""
        while len(self.sounds) > self._capacity:
            self.sounds.popitem(last=False)
        left = self._max_bytes
        for sound in reversed(self.sounds.values()):
            left -= len(sound.pcm)
            if left < 0 and sound.pcm:
                sound.pcm, sound.is_lost = b"", True


class SpokenMemory:
    """The last ``capacity`` utterances; a ``Transcriber`` of exactly these.

    Sessions answer much, and nobody asks for most of it: fewer of their replies are remembered, beside the others.
    """

    def __init__(self, capacity: int) -> None:
        self._spoken = _Shelf(capacity, MAX_PCM_BYTES)
        self._replies = _Shelf(-(-capacity // _OF_REPLIES), MAX_PCM_BYTES // _OF_REPLIES)
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
        is_reply: bool = False,
    ) -> None:
        """Remember an utterance by the hash of the file that was sent and by the hash of its PCM.

        With ``pcm``, s16le mono at 8 or 24 kHz, it is also recognised in streams. ``is_reply`` if a session said it.
        """
        with self._lock:
            if is_reply and pcm_sha256 in self._spoken.sounds:
                is_reply = False
            shelf = self._replies if is_reply else self._spoken
            if not is_reply:
                self._replies.sounds.pop(pcm_sha256, None)
            if shelf.add(SpokenSound(spoken, pcm, rate, is_lost=not pcm), sha256, pcm_sha256):
                self.revision += 1

    def forget(self) -> None:
        """Forget every utterance of every account."""
        with self._lock:
            self._spoken.clear()
            self._replies.clear()
            self.revision += 1

    def sounds(self) -> list[SpokenSound]:
        """Return the sounds of the utterances: of replies, then of others, the last one at the end of each."""
        with self._lock:
            return [*self._replies.sounds.values(), *self._spoken.sounds.values()]

    def transcribe(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """Return the transcription of a clip that this server spoke, else ``None``. Nothing is translated."""
        if not self._spoken.utterances and not self._replies.utterances:
            return None
        spoken = self._find(clip.sha256) or self._find(clip.facts.pcm_sha256)
        if spoken is None or (options.task == "translate" and spoken.language != "en"):
            return None
        duration = clip.facts.duration
        languages = (spoken.language,) if spoken.words else ()
        return Transcription(AnsweredBy("spoken"), duration, languages, spoken.segments)

    def _find(self, key: str) -> Spoken | None:
        with self._lock:
            return self._spoken.utterances.get(key) or self._replies.utterances.get(key)
