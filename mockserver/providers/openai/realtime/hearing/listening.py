"""Transcribes the audio of a session by the chain of all transcriptions: what is known first, then Whisper."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from msgspec.structs import replace

from mockserver.audio.clip import Clip
from mockserver.audio.decode import ClipFacts, UnusableAudio, pcm_hasher
from mockserver.audio.encode import write_wav
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.speakers import with_speakers
from mockserver.engines.transcription import (
    EngineBusy,
    EngineUnavailable,
    Transcription,
    VadOptions,
)

if TYPE_CHECKING:
    from mockserver.engines.answers import AnswerChain
    from mockserver.engines.excerpts.known import KnownSpeech
    from mockserver.engines.transcription import Look, TranscriptionOptions
    from mockserver.settings.model import Settings

# A recording is not said to be silent below this probability of speech: turn detection may have a low threshold.
_VAD = VadOptions(threshold=0.3)
_QUIET = 16  # of 32,768; no sample of silence is louder
_RETRY = 0.05  # seconds, after which Whisper is asked again if its queue was full
_LONGEST_KNOWN = 300.0  # seconds; no known speech is looked for in longer audio
_SILENCE = AnsweredBy("silence")


class Heard(NamedTuple):
    """What is understood of speech that goes on.

    ``is_sure``: the words are those of known speech; ``is_whole``: they are all that is said in it.
    """

    transcription: Transcription
    is_sure: bool
    is_whole: bool


class Listening:
    """Transcribes samples, s16le mono. ``look`` is called several times a second, and raises if the client has left.

    ``known_speech`` is found inside of other audio. What was transcribed is not kept.
    """

    def __init__(self, chain: AnswerChain, known_speech: KnownSpeech, settings: Settings, look: Look) -> None:
        self._chain = chain
        self._known_speech = known_speech
        self._settings = settings
        self._look = look

    def heard(
        self, pcm: bytes, rate: int, options: TranscriptionOptions, *, speakers: bool = False
    ) -> Transcription:
        """Return the transcription, with all of its segments; without any for silence.

        With ``speakers``, each segment has one. Waits if Whisper has too much to do. Raises ``EngineUnavailable``,
        ``UnusableAudio`` and ``UnknownAudio``, and what ``look`` raises.
        """
        clip = self._clip(pcm, rate)
        if _is_silent(pcm):
            return Transcription(_SILENCE, clip.duration, (), ())
        known = self._known(clip, pcm, rate, options)
        answer = known.transcription if known else self._by_engine(clip, options)
        return _with_speakers(answer, clip) if speakers else answer

    def heard_rest(
        self, pcm: bytes, rate: int, options: TranscriptionOptions, before: Transcription, rest_ms: float
    ) -> Transcription:
        """Return the transcription of speech of which all but the last ``rest_ms`` is transcribed already (``before``).

        Known speech is recognised as a whole. Raises what ``heard`` raises.
        """
        clip = self._clip(pcm, rate)
        known = self._known(clip, pcm, rate, options)
        if known is not None:
            return known.transcription
        begin = max(len(pcm) - 2 * round(rest_ms * rate / 1000), 0)
        rest = self.heard(pcm[begin:], rate, options)
        later = begin / 2 / rate
        segments = [replace(each, start=each.start + later, end=each.end + later) for each in rest.segments]
        answered_by = rest.answered_by if segments else before.answered_by
        languages = rest.languages or before.languages
        return Transcription(answered_by, clip.duration, languages, (*before.segments, *segments))

    def partly_known(self, pcm: bytes, rate: int, options: TranscriptionOptions) -> Heard | None:
        """Return what is said in the beginning of known speech; ``None`` if it is not known, or too short to decide."""
        with suppress(UnusableAudio):
            return None if _is_silent(pcm) else self._known(self._clip(pcm, rate), pcm, rate, options)
        return None

    def partly_heard(self, pcm: bytes, rate: int, options: TranscriptionOptions) -> Heard | None:
        """Return what an engine hears in speech that goes on; ``None`` if there is no engine, or it cannot work.

        Raises what ``look`` raises.
        """
        if not self._chain.can_listen or _is_silent(pcm):
            return None
        with suppress(EngineUnavailable, UnusableAudio):
            answer = self._by_engine(self._clip(pcm, rate), options)
            return Heard(answer, is_sure=False, is_whole=False)
        return None

    def with_speakers(self, answer: Transcription, pcm: bytes, rate: int) -> Transcription:
        """Return a transcription of ``pcm`` with a speaker in each segment."""
        return _with_speakers(answer, self._clip(pcm, rate))

    def _known(self, clip: Clip, pcm: bytes, rate: int, options: TranscriptionOptions) -> Heard | None:
        """Return the transcription of a known clip, or of known speech in it."""
        import numpy as np

        answer = self._chain.lookup(clip, options)
        if answer is not None:
            answer = replace(answer, segments=tuple(answer.segments))
            return Heard(answer, is_sure=True, is_whole=True)
        if clip.duration > _LONGEST_KNOWN:
            return None
        excerpt = self._known_speech.find(np.frombuffer(pcm, "<i2", len(pcm) // 2), rate)
        if excerpt is None:
            return None
        languages = (excerpt.language,) if excerpt.segments else ()
        answer = Transcription(excerpt.answered_by, clip.duration, languages, excerpt.segments)
        return Heard(answer, is_sure=True, is_whole=excerpt.is_whole)

    def _by_engine(self, clip: Clip, options: TranscriptionOptions) -> Transcription:
        options = replace(options, vad=_VAD)
        while True:
            try:
                unknown_audio = self._settings.unknown_audio
                answer = self._chain.transcribe(clip, options, self._look, unknown_audio=unknown_audio)
                return replace(answer, segments=tuple(answer.segments))
            except EngineBusy:
                self._look()
                time.sleep(_RETRY)

    def _clip(self, pcm: bytes, rate: int) -> Clip:
        """Return samples as a clip whose facts are known: it is decoded for Whisper only."""
        hasher = pcm_hasher(rate, 1)
        hasher.update(pcm)
        clip = Clip(write_wav(pcm, rate), "", self._settings.max_audio_seconds, look=self._look)
        duration = len(pcm) / 2 / rate
        clip.facts = ClipFacts("wav", "pcm_s16le", duration, 1, rate, hasher.hexdigest())
        return clip


def _with_speakers(answer: Transcription, clip: Clip) -> Transcription:
    labelled = with_speakers(answer, clip, ())
    return replace(labelled, segments=tuple(labelled.segments))


def _is_silent(pcm: bytes) -> bool:
    import numpy as np

    samples = np.frombuffer(pcm, "<i2", len(pcm) // 2)
    return not len(samples) or bool(max(int(samples.max()), -int(samples.min())) <= _QUIET)
