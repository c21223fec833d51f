"""The speech in an answer, for the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct

from mockserver.audio.content import Content

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.engines.speech import SpokenWord, Utterance
    from mockserver.engines.transcription import Word


class FileType(NamedTuple):
    """The container and the codec of a response format, and the extension of its files."""

    container: str
    codec: str
    extension: str


FILE_TYPES = {
    "mp3": FileType("mp3", "mp3", "mp3"),
    "opus": FileType("ogg", "opus", "opus"),
    "aac": FileType("aac", "aac", "aac"),
    "flac": FileType("flac", "flac", "flac"),
    "wav": FileType("wav", "pcm_s16le", "wav"),
    "pcm": FileType("raw", "pcm_s16le", "pcm"),
}


class SaidAudio(Struct):
    """Speech in an answer. ``place`` is where it is in the answer; in a Realtime session the response.

    ``utterance`` is ``None`` for the sound of a stub; ``text`` is what it says. ``words`` are those that were spoken.
    ``content`` is the file in ``response_format``, if the journal keeps it. ``at_ms`` is when it began, in milliseconds
    of a Realtime session.
    """

    place: str
    response_format: str
    seconds: float
    sample_rate: int
    text: str
    utterance: Utterance | None
    words: Sequence[SpokenWord | Word] = ()
    size: int | None = None
    sha256: str | None = None
    content: Content | None = None
    at_ms: float | None = None

    def keep(self, data: bytes) -> None:
        """Have the journal keep the file."""
        self.content = Content(data)
        self.size, self.sha256 = len(data), self.content.sha256
