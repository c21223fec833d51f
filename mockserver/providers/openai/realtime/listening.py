"""Transcribes the audio of a session by the chain of all transcriptions: what is known first, then Whisper."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mockserver.audio.clip import Clip
from mockserver.audio.decode import ClipFacts, UnusableAudio, pcm_hasher
from mockserver.audio.encode import write_wav
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.answers import PLACEHOLDER
from mockserver.engines.speakers import with_speakers
from mockserver.engines.transcription import (
    EngineBusy,
    EngineUnavailable,
    Transcription,
    UnknownAudio,
    VadOptions,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.engines.answers import AnswerChain
    from mockserver.engines.transcription import Look, Transcriber, TranscriptionOptions
    from mockserver.settings.model import Settings

# A recording is not said to be silent below this probability of speech: turn detection may have a low threshold.
_VAD = VadOptions(threshold=0.3)
_QUIET = 16  # of 32,768; no sample of silence is louder
_RETRY = 0.05  # seconds, after which Whisper is asked again if its queue was full
_SILENCE = AnsweredBy("silence")


class Listening:
    """Transcribes samples, s16le mono. ``look`` is called several times a second, and raises if the client has left.

    ``located`` finds known speech inside of other audio. What was transcribed is not kept.
    """

    def __init__(
        self, chain: AnswerChain, located: Sequence[Transcriber], settings: Settings, look: Look
    ) -> None:
        self._chain = chain
        self._located = tuple(located)
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
        answer = self._known(clip, options) or self._by_engine(clip, options)
        return _with_speakers(answer, clip) if speakers else answer

    def partly_heard(self, pcm: bytes, rate: int, options: TranscriptionOptions) -> Transcription | None:
        """Return the transcription of speech that goes on; ``None`` if nobody understands it yet."""
        with suppress(EngineUnavailable, UnknownAudio, UnusableAudio):
            answer = self.heard(pcm, rate, options)
            return None if answer.answered_by == PLACEHOLDER else answer
        return None

    def with_speakers(self, answer: Transcription, pcm: bytes, rate: int) -> Transcription:
        """Return a transcription of ``pcm`` with a speaker in each segment."""
        return _with_speakers(answer, self._clip(pcm, rate))

    def _known(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        answer = self._chain.lookup(clip, options)
        for transcriber in self._located:
            answer = answer or transcriber.transcribe(clip, options)
        return None if answer is None else replace(answer, segments=tuple(answer.segments))

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
