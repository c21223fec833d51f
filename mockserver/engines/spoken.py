"""The utterances that the server has spoken, so that their clips are transcribed exactly.

An utterance is recognised by the SHA-256 of the bytes that were sent, in any format, and by the hash of its PCM, which
is the same in another lossless container. In a stream it is recognised by its sound (``excerpts``).
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from mockserver.audio.encode import SPEECH_SAMPLE_RATE
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.derive import segments_of_words
from mockserver.engines.shared_speech import SharedSpeech
from mockserver.engines.transcription import Segment, Transcription, Word
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import TranscriptionOptions
    from mockserver.state.protocols import Bounds, Log

log = logging.getLogger(__name__)

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

    ``is_lost`` if it was not kept although it might have been needed. ``load`` returns samples that processes share.
    """

    spoken: Spoken
    pcm: bytes
    rate: int
    is_lost: bool = False
    load: Callable[[], bytes] | None = None

    def take(self) -> bytes:
        """Return the samples, which are no longer needed then; empty if they are not kept."""
        if self.load is None:
            pcm, self.pcm = self.pcm, b""
            return pcm
        pcm = b"" if self.is_lost else self.load()
        self.is_lost = not pcm
        return pcm


class _Utterance(Struct, frozen=True):
    """An utterance as processes share it."""

    spoken: Spoken
    sha256: str
    pcm_sha256: str
    rate: int
    has_samples: bool


class _Shelf:
    """The last ``capacity`` utterances, and the samples of ``max_bytes`` of them that nobody has asked for.

    With ``shared``, it is a copy of what all processes have spoken.
    """

    def __init__(self, capacity: int, max_bytes: int, shared: SharedSpeech | None = None) -> None:
        self._capacity = capacity
        self._max_bytes = max_bytes
        self.shared = shared
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
    With ``open_log``, utterances of other processes are remembered, too.
    """

    def __init__(self, capacity: int, open_log: Callable[[str, Bounds], Log] | None = None) -> None:
        of_replies = -(-capacity // _OF_REPLIES), MAX_PCM_BYTES // _OF_REPLIES
        share = capacity and open_log
        self._spoken = _Shelf(
            capacity,
            MAX_PCM_BYTES,
            SharedSpeech(share, "spoken", capacity, MAX_PCM_BYTES) if share else None,
        )
        self._replies = _Shelf(*of_replies, SharedSpeech(share, "replies", *of_replies) if share else None)
        self._lock = threading.Lock()
        self._revision = 0

    @property
    def revision(self) -> int:
        """Return a number that changes with the utterances. Raises ``StateFailed``."""
        with self._lock:
            self._catch_up()
            return self._revision

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
        utterance = _Utterance(spoken, sha256, pcm_sha256, rate, bool(pcm))
        shelf = self._replies if is_reply else self._spoken
        with self._lock:
            if shelf.shared is None:
                self._add(shelf, utterance, SpokenSound(spoken, pcm, rate, is_lost=not pcm))
                return
            try:
                self._catch_up()
                known = shelf.sounds.get(pcm_sha256)
                is_new = known is None or known.is_lost
                shelf.shared.add(pcm_sha256, msgspec.json.encode(utterance), pcm if is_new else b"")
            except StateFailed as error:
                log.warning("An utterance is not remembered: %s", error)

    def forget(self) -> None:
        """Forget every utterance of every account. Raises ``StateFailed``."""
        with self._lock:
            for shelf in (self._spoken, self._replies):
                if shelf.shared is not None:
                    shelf.shared.clear()
                shelf.clear()
            self._revision += 1

    def sounds(self) -> list[SpokenSound]:
        """Return the sounds of the utterances: of replies, then of others, the last one at the end of each."""
        with self._lock:
            self._catch_up()
            return [*self._replies.sounds.values(), *self._spoken.sounds.values()]

    def transcribe(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """Return the transcription of a clip that this server spoke, else ``None``. Nothing is translated."""
        with self._lock:
            self._catch_up()
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

    def _catch_up(self) -> None:
        """Take over what processes have spoken since the last look. Raises ``StateFailed``."""
        for shelf in (self._spoken, self._replies):
            news = shelf.shared.news() if shelf.shared is not None else None
            if news is None or shelf.shared is None:
                continue
            if news.is_all:
                shelf.clear()
                self._revision += 1
            for said in news.said:
                each = msgspec.json.decode(said, type=_Utterance)
                load = partial(shelf.shared.samples, each.pcm_sha256)
                sound = SpokenSound(each.spoken, b"", each.rate, is_lost=not each.has_samples, load=load)
                self._add(shelf, each, sound)

    def _add(self, shelf: _Shelf, utterance: _Utterance, sound: SpokenSound) -> None:
        """Put an utterance on a shelf. A reply that was also spoken otherwise is put with the others."""
        if shelf is self._replies and utterance.pcm_sha256 in self._spoken.sounds:
            shelf = self._spoken
        if shelf is self._spoken:
            self._replies.sounds.pop(utterance.pcm_sha256, None)
        if shelf.add(sound, utterance.sha256, utterance.pcm_sha256):
            self._revision += 1
