"""Who answers for a clip: what is known exactly before what must be heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

    ``known`` ones recognise a clip (fixtures, the server's own speech). ``heard`` is who listens (Whisper), if anyone
    does.
    """

    def __init__(self, known: Sequence[Transcriber], heard: Listener | None) -> None:
        self._known = tuple(known)
        self._heard = heard

    @property
    def hears(self) -> bool:
        """Whether anyone can listen to unknown clips, so that their samples will be wanted."""
        return self._heard is not None

    def recall(self, clip: Clip, options: TranscriptionOptions) -> Transcription | None:
        """The exact answer for a known clip. Raises ``UndecodableAudio`` and ``AudioTooLong``."""
        for transcriber in self._known:
            answer = transcriber.transcribe(clip, options)
            if answer is not None:
                return answer
        return None

    def hear(self, clip: Clip, options: TranscriptionOptions, look: Look) -> Transcription | None:
        """What an engine hears, if there is one. Raises as ``Listener.transcribe`` does."""
        return self._heard.transcribe(clip, options, look) if self._heard else None
