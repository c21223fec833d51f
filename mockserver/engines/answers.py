"""The chain of transcribers: clips with known transcripts first, then the engine, then the placeholder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.derive import with_words
from mockserver.engines.transcription import Segment, Transcription, UnknownAudio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import (
        Listener,
        Look,
        Transcriber,
        TranscriptionOptions,
    )

PLACEHOLDER = AnsweredBy("placeholder")


class AnswerChain:
    """The transcribers of a server, in the order in which they are tried.

    ``known`` are transcribers that recognise certain clips (fixtures, the server's own speech). ``engine`` transcribes
    any clip (Whisper); without an engine, unknown clips get a placeholder or are refused.
    """

    def __init__(self, known: Sequence[Transcriber], engine: Listener | None) -> None:
        self._known = tuple(known)
        self._engine = engine

    @property
    def can_listen(self) -> bool:
        """Return whether unknown clips can be transcribed; if so, their samples are needed."""
        return self._engine is not None

    def lookup(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """Return the exact answer for a known clip, else ``None``. Raises ``UnusableAudio``."""
        for transcriber in self._known:
            answer = transcriber.transcribe(clip, options)
            if answer is not None:
                return answer
        return None

    def transcribe(
        self, clip: Clip, options: TranscriptionOptions, look: Look, *, unknown_audio: str
    ) -> Transcription:
        """Transcribe a clip that ``lookup`` does not know with the engine; without an engine, return a placeholder.

        ``look`` is called while waiting for the engine. Raises what ``look`` raises, ``UnusableAudio``,
        ``EngineUnavailable`` and, if the setting ``unknown_audio`` is ``error``, ``UnknownAudio``. Reading the
        segments may raise the first three of these, too.
        """
        if self._engine is not None:
            return self._engine.transcribe(clip, options, look)
        return placeholder(clip, clip.duration, unknown_audio)


def placeholder(clip: Clip, duration: float, unknown_audio: str) -> Transcription:
    """Return a text that describes the clip in place of its transcript; ``duration`` is in seconds.

    Raises ``UnknownAudio`` if ``unknown_audio``, the setting, is ``error``.
    """
    if unknown_audio == "error":
        raise UnknownAudio(clip.sha256)
    text = f"[mock transcript of {duration:.1f} seconds of unknown audio, sha256 {clip.sha256[:12]}]"
    segment = with_words(Segment(text, 0.0, round(duration, 3)))
    return Transcription(PLACEHOLDER, duration, ("en",), (segment,))
