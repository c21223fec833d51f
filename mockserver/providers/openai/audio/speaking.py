"""Speech for the speech endpoint and chats: voices, and utterances encoded while they are spoken."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mockserver.audio.content import Content
from mockserver.audio.decode import UnusableAudio, decode, pcm_hasher, pcm_pieces
from mockserver.audio.encode import encode_speech
from mockserver.catalog import voices
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, SpeechChunk, SpeechFailed, SpokenWord, Utterance
from mockserver.engines.spoken import Spoken
from mockserver.engines.transcription import Word
from mockserver.errors import ApiError
from mockserver.pipeline.said_audio import SaidAudio

if TYPE_CHECKING:
    from mockserver.catalog.records import Voice
    from mockserver.catalog.tables import Catalog
    from mockserver.engines.espeak.speaker import Pyttsx3Speaker
    from mockserver.engines.spoken import SpokenMemory
    from mockserver.pipeline.call import Call

log = logging.getLogger(__name__)

_MAX_STUB_AUDIO = 600.0  # seconds of sound that a stub can answer with
_MAX_KEPT_PCM = 60 * 2 * SPEECH_SAMPLE_RATE  # bytes; longer utterances are not recognised in streams


def voice_of(catalog: Catalog, voice: str | dict[str, Any]) -> Voice:
    """Return the voice that a request names, or gives by its id."""
    return voices.voice_of(catalog, voice["id"] if isinstance(voice, dict) else voice)


class Speech:
    """An utterance that is encoded while it is spoken, and kept in ``memory``, so that its audio can be recognised.

    ``chunks`` are its sound, by default the speaker's; with ``is_stub`` that of a stub. The encoded speech is kept for
    the journal up to ``keep_bytes``. ``on_spoken`` is called when the speech has ended, before its last byte is sent,
    or is broken off.
    """

    def __init__(
        self,
        speaker: Pyttsx3Speaker,
        memory: SpokenMemory,
        utterance: Utterance,
        response_format: str,
        chunks: Iterable[SpeechChunk] | None = None,
        on_spoken: Callable[[Speech], None] = lambda speech: None,
        *,
        is_stub: bool = False,
        keep_bytes: int = 0,
    ) -> None:
        self.utterance = utterance
        self.response_format = response_format
        self._chunks = speaker.speak(utterance) if chunks is None else chunks
        self._speaker = speaker
        self._memory = memory
        self._on_spoken = on_spoken
        self._is_stub = is_stub
        self._sent = _Sent(keep_bytes)
        self._words: list[SpokenWord] = []
        self._bytes_of_pcm = 0
        self._kept: list[bytes] = []
        self._pcm_hash = pcm_hasher(SPEECH_SAMPLE_RATE, 1)

    @property
    def seconds(self) -> float:
        """Return the duration that has been spoken so far, in seconds."""
        return self._bytes_of_pcm / (2 * SPEECH_SAMPLE_RATE)

    def audio(self) -> Generator[bytes]:
        """Yield the encoded speech while it is spoken."""
        last = b""  # The last byte is held back until the file is remembered and its usage is charged.
        try:
            for encoded in encode_speech(self._pcm(), self.response_format):
                self._sent.add(encoded)
                yield last + encoded[:-1]
                last = encoded[-1:]
            if not self._is_stub:  # whose words are not known
                self._remember(self._sent.sha256)
        finally:  # also when the client has left
            self._on_spoken(self)
        yield last

    def said(self, place: str) -> SaidAudio:
        """Return what was spoken so far, at a place of the answer, for the journal."""
        return SaidAudio(
            place,
            self.response_format,
            self.seconds,
            SPEECH_SAMPLE_RATE,
            self.utterance.text,
            None if self._is_stub else self.utterance,
            self._words,
            self._sent.size,
            self._sent.sha256,
            self._sent.content,
        )

    def _pcm(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self._words.extend(chunk.words)
            self._bytes_of_pcm += len(chunk.pcm)
            self._pcm_hash.update(chunk.pcm)
            self._keep(chunk.pcm)
            yield chunk.pcm

    def _keep(self, pcm: bytes) -> None:
        """Keep the sound of an utterance that is not too long."""
        if self._bytes_of_pcm <= _MAX_KEPT_PCM:
            self._kept.append(pcm)
        else:
            self._kept.clear()

    def _remember(self, sha256: str) -> None:
        words = tuple(Word(word.text, word.start, word.end) for word in self._words)
        language = self._speaker.language_of(self.utterance)
        spoken = Spoken(words, language, self.seconds)
        self._memory.remember(
            spoken, sha256=sha256, pcm_sha256=self._pcm_hash.hexdigest(), pcm=b"".join(self._kept)
        )


class _Sent:
    """Encoded speech: its hash, its size in bytes, and the speech itself if it has at most ``keep_bytes``."""

    def __init__(self, keep_bytes: int) -> None:
        self.size = 0
        self._hash = hashlib.sha256()
        self._keep_bytes = keep_bytes
        self._pieces: list[bytes] = []

    def add(self, piece: bytes) -> None:
        """Add a piece."""
        self._hash.update(piece)
        self.size += len(piece)
        if self.size <= self._keep_bytes:
            self._pieces.append(piece)
        else:
            self._pieces.clear()

    @property
    def sha256(self) -> str:
        """Return the SHA-256 in hex."""
        return self._hash.hexdigest()

    @property
    def content(self) -> Content | None:
        """Return the speech; ``None`` if it is not kept."""
        return Content(b"".join(self._pieces)) if self._pieces else None


class StubSound:
    """The sound of a stub's audio file, decoded in pieces each time it is iterated.

    The constructor raises ``UndecodableAudio``, and ``AudioTooLong`` beyond 10 minutes.
    """

    def __init__(self, audio: bytes) -> None:
        decode(audio, keep_seconds=0, max_seconds=_MAX_STUB_AUDIO)
        self._audio = audio

    def __iter__(self) -> Iterator[SpeechChunk]:
        """Yield chunks of about a second."""
        max_seconds = (
            _MAX_STUB_AUDIO + 1
        )  # resampled sound may be slightly longer than the sound that was checked
        for pcm in pcm_pieces(self._audio, SPEECH_SAMPLE_RATE, max_seconds):
            yield SpeechChunk(bytes(pcm))


def stub_sound(call: Call) -> StubSound | None:
    """Return the sound of the audio file that a stub answers with, if there is one.

    Raises ``ApiError`` if the file cannot be read or decoded.
    """
    if call.scripted is None:
        return None
    try:
        audio = call.scripted.audio()
        return None if audio is None else StubSound(audio)
    except (OSError, UnusableAudio) as error:
        log.error("stub %s: %s", call.scripted.stub_id, call.request.logged(error))
        raise ApiError("stub_file_unreadable", stub=call.scripted.stub_id, reason=str(error)) from error


@contextlib.contextmanager
def failures_answered() -> Generator[None]:
    """Raise ``ApiError`` for a ``SpeechFailed`` within the block, and log it."""
    try:
        yield
    except SpeechFailed as error:
        log.error("The speech failed: %s", error)
        raise ApiError("overloaded", reason=f"The speech failed: {error}.") from error


def started(chunks: Generator[bytes]) -> Iterator[bytes]:
    """Return ``chunks`` after the first one is made, so that a failure to begin is still answered as an error."""
    with failures_answered():
        first = next(chunks, b"")
    return _resumed(first, chunks)


def _resumed(first: bytes, chunks: Generator[bytes]) -> Iterator[bytes]:
    with contextlib.closing(chunks):
        yield first
        yield from chunks
