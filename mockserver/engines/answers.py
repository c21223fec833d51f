"""Who answers for a clip: what is known exactly before what an engine must transcribe."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.engines.placeholder import placeholder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import (
        Listener,
        Look,
        Transcriber,
        Transcription,
        TranscriptionOptions,
    )


class AnswerChain:
    """The transcribers of a server, in the order in which they are asked.

    ``known`` ones recognise a clip (fixtures, the server's own speech). ``engine`` transcribes any clip (Whisper);
    without one, unknown clips get a placeholder or are refused.
    """

    def __init__(self, known: Sequence[Transcriber], engine: Listener | None) -> None:
        self._known = tuple(known)
        self._engine = engine

    @property
    def can_listen(self) -> bool:
        """Return whether unknown clips can be transcribed, so that their samples will be wanted."""
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
        """Return what the engine makes of a clip that ``lookup`` does not know; without an engine, a placeholder.

        ``look`` is called while the engine is waited for. Raises what it does, ``UnusableAudio``,
        ``EngineUnavailable`` and, if the setting ``unknown_audio`` is ``error``, ``UnknownAudio``. Reading the
        segments raises the first three of these, too.
        """
        if self._engine is not None:
            return self._engine.transcribe(clip, options, look)
        return placeholder(clip, clip.duration, unknown_audio)
