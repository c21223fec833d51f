"""Who answers for a clip: what is known exactly before what must be heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import Transcriber, Transcription, TranscriptionOptions


class AnswerChain:
    """The transcribers of a server, in the order in which they are asked.

    ``known`` ones recognise a clip (fixtures, the server's own speech), ``heard`` ones listen (Whisper).
    """

    def __init__(self, known: Sequence[Transcriber], heard: Sequence[Transcriber]) -> None:
        self._known = tuple(known)
        self._heard = tuple(heard)

    @property
    def hears(self) -> bool:
        """Whether anyone can listen to unknown clips, so that their samples will be wanted."""
        return bool(self._heard)

    def recall(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """The exact answer for a known clip. Raises ``UndecodableAudio`` and ``AudioTooLong``."""
        return _first(self._known, clip, options)

    def hear(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """What an engine hears. Raises as ``recall`` does, and ``EngineBusy`` and ``EngineFailed``."""
        return _first(self._heard, clip, options)


def _first(
    transcribers: Sequence[Transcriber], clip: Clip, options: TranscriptionOptions
) -> Transcription | None:
    for transcriber in transcribers:
        answer = transcriber.transcribe(clip, options)
        if answer is not None:
            return answer
    return None
