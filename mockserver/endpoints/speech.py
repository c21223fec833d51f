"""``POST /v1/audio/speech``: text spoken aloud, sent while it is spoken."""

from __future__ import annotations

import contextlib
import hashlib
import zlib
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING, Any

from mockserver.audio.decode import pcm_hasher
from mockserver.audio.encode import CONTENT_TYPES, encode_speech
from mockserver.engines.speech import SPEECH_SAMPLE_RATE, SpeechFailed, SpokenWord, Utterance, Voice
from mockserver.engines.spoken import Spoken
from mockserver.engines.transcription import Word
from mockserver.gateway.errors import ApiError
from mockserver.gateway.pipeline import Answer, Call, Operation
from mockserver.gateway.validation import Violation
from mockserver.wire import sse, usage

if TYPE_CHECKING:
    from mockserver.services import Services

CREATE = Operation(
    "create_speech",
    "POST",
    "/audio/speech",
    body="json",
    schema="openai/create_speech.request",
    endpoint="v1/audio/speech",
    explains="pydantic",
)

_EVENT_BYTES = 4096  # of encoded audio in one `speech.audio.delta`


def create_speech(services: Services, call: Call) -> Answer:
    """Speaks the text."""
    if call.strict:
        _check(call)
    form = call.document
    utterance = _utterance(services, call)
    speech = _Speech(services, utterance, form.get("response_format", "mp3"))
    answered_by = f"pyttsx3; voice={utterance.voice.name}"
    if form.get("stream_format") == "sse":
        headers = (("cache-control", "no-store"),)
        return Answer(_started(_events(speech)), sse.CONTENT_TYPE, answered_by, headers)
    return Answer(_started(speech.audio()), CONTENT_TYPES[speech.response_format], answered_by)


def _check(call: Call) -> None:
    """What the model's own service refuses beyond the schema."""
    form = call.document
    assert call.model is not None
    assert call.model.speech is not None
    rules = call.model.speech
    violations = []
    if not form["input"]:
        violations.append(Violation(("input",), "minLength", 1, ""))
    if isinstance(form["voice"], str) and form["voice"] not in rules.voices:
        violations.append(Violation(("voice",), "enum", list(rules.voices), form["voice"]))
    if violations:
        from mockserver.gateway import explain

        raise ApiError("invalid_request", message=explain.pydantic(violations), param=None, code=None)
    if form.get("stream_format", "audio") not in rules.stream_formats:
        raise ApiError("sse_not_supported", model=call.model.id)


def _utterance(services: Services, call: Call) -> Utterance:
    form = call.document
    heeds_instructions = call.model is None or call.model.speech is None or call.model.speech.instructions
    return Utterance(
        form.get("input", ""),
        _voice(services, form.get("voice", "alloy")),
        form.get("speed", 1.0),
        call.settings.speech_language or None,
        form.get("instructions", "") if heeds_instructions else "",
    )


def _voice(services: Services, voice: str | dict[str, Any]) -> Voice:
    """A voice of the catalog; custom and unknown ones each get one of them, always the same."""
    name = voice["id"] if isinstance(voice, dict) else voice
    voices = services.catalog.voices
    return services.catalog.voice(name) or voices[zlib.crc32(name.encode()) % len(voices)]


class _Speech:
    """One utterance on its way to the client. What was sent is remembered, so that it can be recognised."""

    def __init__(self, services: Services, utterance: Utterance, response_format: str) -> None:
        self.utterance = utterance
        self.response_format = response_format
        self._services = services
        self._words: list[SpokenWord] = []
        self._bytes_of_pcm = 0
        self._pcm_hash = pcm_hasher(SPEECH_SAMPLE_RATE, 1)

    @property
    def seconds(self) -> float:
        """How much has been spoken so far."""
        return self._bytes_of_pcm / (2 * SPEECH_SAMPLE_RATE)

    def audio(self) -> Generator[bytes]:
        """The encoded speech, while it is spoken."""
        sent = hashlib.sha256()
        last = b""  # One byte is held back: nobody has the whole file before it is remembered.
        for encoded in encode_speech(self._pcm(), self.response_format):
            sent.update(encoded)
            yield last + encoded[:-1]
            last = encoded[-1:]
        self._remember(sent.hexdigest())
        yield last

    def _pcm(self) -> Iterator[bytes]:
        for chunk in self._services.speaker.speak(self.utterance):
            self._words.extend(chunk.words)
            self._bytes_of_pcm += len(chunk.pcm)
            self._pcm_hash.update(chunk.pcm)
            yield chunk.pcm

    def _remember(self, sha256: str) -> None:
        words = tuple(Word(word.text, word.start, word.end) for word in self._words)
        language = self._services.speaker.language_of(self.utterance)
        spoken = Spoken(words, language, self.seconds)
        self._services.spoken.remember(spoken, sha256=sha256, pcm_sha256=self._pcm_hash.hexdigest())


def _events(speech: _Speech) -> Generator[bytes]:
    """The speech as server-sent events of 4096 bytes of audio each."""
    import pybase64

    waiting = bytearray()
    for encoded in speech.audio():
        waiting += encoded
        while len(waiting) > _EVENT_BYTES:
            yield _delta(pybase64.b64encode(waiting[:_EVENT_BYTES]))
            del waiting[:_EVENT_BYTES]
    if waiting:
        yield _delta(pybase64.b64encode(waiting))
    yield sse.event(
        {"type": "speech.audio.done", "usage": usage.speech(speech.utterance.text, speech.seconds)}
    )
    yield sse.DONE


def _delta(encoded: bytes) -> bytes:
    return sse.event({"type": "speech.audio.delta", "audio": encoded.decode()})


def _started(chunks: Generator[bytes]) -> Iterator[bytes]:
    """``chunks`` once the first is there, so that a failure to speak can still be answered as an error."""
    try:
        first = next(chunks, b"")
    except SpeechFailed as error:
        raise ApiError("server_error") from error
    return _resumed(first, chunks)


def _resumed(first: bytes, chunks: Generator[bytes]) -> Iterator[bytes]:
    with contextlib.closing(chunks):
        yield first
        yield from chunks
