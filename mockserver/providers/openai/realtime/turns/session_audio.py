"""The audio of a session in the journal: what the user said, if it is kept, and what the model said."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from mockserver.audio.content import Content
from mockserver.audio.encode import write_wav
from mockserver.journal.audio_records import AudioFile, SaidAudio
from mockserver.pipeline.exchanges.audio_members import said_record

if TYPE_CHECKING:
    from mockserver.accounts.redaction import Secrets
    from mockserver.pipeline import said_audio
    from mockserver.providers.openai.realtime.sounds import Sound

_MAX_FILES = 500  # of each side; later ones are not recorded


class _File(NamedTuple):
    """A file for the journal."""

    sha256: str
    content: Content


class SessionAudio:
    """The audio files of both sides, in order. The caller has the lock."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self.heard: list[AudioFile] = []
        self.said: list[SaidAudio] = []

    def hear(self, item_id: str, sound: Sound, at_ms: float) -> _File | None:
        """Record what the user said in an item. Return the file to keep; ``None`` if it is not recorded."""
        if not sound.samples or len(self.heard) >= _MAX_FILES:
            return None
        content = Content(write_wav(sound.data(), sound.rate))
        self.heard.append(
            AudioFile(
                place=item_id,
                file=f"{item_id}.wav",
                size=content.size,
                sha256=content.sha256,
                container="wav",
                codec="pcm_s16le",
                duration=round(sound.samples / sound.rate, 3),
                channels=1,
                sample_rate=sound.rate,
                at_ms=round(at_ms, 3),
            )
        )
        return _File(content.sha256, content)

    def say(self, said: said_audio.SaidAudio) -> bool:
        """Record what the model said. Return whether it is recorded."""
        if len(self.said) >= _MAX_FILES:
            return False
        self.said.append(said_record(said, self._secrets))
        return True
