"""The audio of an exchange in its record: what was sent, and what was said. Times are in seconds of the audio."""

from __future__ import annotations

from msgspec import Struct


class TranscriptSegment(Struct, forbid_unknown_fields=True):
    """A section of a transcript."""

    start: float
    end: float
    text: str
    speaker: str | None = None


class TranscriptWord(Struct, forbid_unknown_fields=True):
    """A word of a transcript."""

    word: str
    start: float
    end: float


class Transcript(Struct, kw_only=True, forbid_unknown_fields=True):
    """A transcript as the engine found it.

    ``language`` is an ISO 639-1 code. ``words`` is ``None`` if the engine found no times of words.
    ``segments_dropped`` is the number of later segments that are not kept.
    """

    language: str | None
    segments: list[TranscriptSegment]
    words: list[TranscriptWord] | None
    segments_dropped: int = 0


class AudioFile(Struct, kw_only=True, forbid_unknown_fields=True):
    """An audio file of a request: its place, its facts if it was decoded, and its transcript if one was made.

    ``size`` is in bytes, ``duration`` in seconds, ``sample_rate`` in Hz. ``at_ms`` is when the user began to say it, in
    milliseconds of a Realtime session, in which ``place`` is the item. Old snapshots lack the last two.
    """

    place: str
    file: str
    size: int
    sha256: str
    container: str | None = None
    codec: str | None = None
    duration: float | None = None
    channels: int | None = None
    sample_rate: int | None = None
    pcm_sha256: str | None = None
    heard: str | None = None
    transcript: Transcript | None = None
    at_ms: float | None = None


class SaidAudio(Struct, kw_only=True, forbid_unknown_fields=True):
    """Speech in an answer: its place, the facts of the audio, and what was spoken.

    ``size`` and ``sha256`` are those of the file that the journal keeps; of a Realtime session ``None`` if it keeps
    none. ``voice`` is ``None`` for the sound of a stub, which cannot be spoken again. ``at_ms`` is when it began, in
    milliseconds of a Realtime session, in which ``place`` is the response.
    """

    place: str
    file: str
    size: int | None = None
    sha256: str | None = None
    container: str | None = None
    codec: str | None = None
    duration: float
    channels: int = 1
    sample_rate: int
    text: str
    voice: str | None = None
    speed: float = 1.0
    language: str | None = None
    instructions: str | None = None
    transcript: Transcript | None = None
    at_ms: float | None = None
