"""Renders the results of speech-to-text jobs, in the shape of the model's vendor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from mockserver.engines.derive import with_words
from mockserver.engines.transcription import TranscriptionOptions
from mockserver.providers.aimlapi.errors import timestamp
from mockserver.wire import assemblyai, deepgram, usage
from mockserver.wire.transcripts import text_of

if TYPE_CHECKING:
    from mockserver.catalog.records import SttRules
    from mockserver.engines.transcription import Segment, Transcription

Value = dict[str, Any]

_DIARIZING = {"deepgram": "diarize", "assemblyai": "speaker_labels"}  # the parameter that asks for speakers


class AudioFacts(Struct, frozen=True):
    """The facts of the audio file in a result; ``duration`` is in seconds."""

    sha256: str
    duration: float
    channels: int = 1


class JobTranscript(Struct, frozen=True):
    """The transcript of a finished job, with the values that results render.

    ``id`` is a UUID; ``created`` is a time by the clock, in seconds since 1970.
    """

    id: str
    model: str
    request: Mapping[str, Any]
    created: float
    audio: AudioFacts
    transcription: Transcription
    segments: Sequence[Segment]


def diarizes(rules: SttRules, request: Mapping[str, Any]) -> bool:
    """Return whether the result names the speakers."""
    return bool(request.get(_DIARIZING.get(rules.result, "")))


def options(rules: SttRules, request: Mapping[str, Any]) -> TranscriptionOptions:
    """Return the options for the engine."""
    tag = request.get("language") or request.get("language_code") or ""
    language = tag.replace("_", "-").partition("-")[0].lower()
    return TranscriptionOptions(
        languages=(language,) if language else (),
        prompt=request.get("prompt") or "",
        temperature=request.get("temperature") or 0.0,
        words=rules.result != "openai",
    )


def result(rules: SttRules, done: JobTranscript) -> Value:
    """Return the result of a job."""
    speakers = diarizes(rules, done.request)
    segments = tuple(
        replace(with_words(each), speaker=each.speaker if speakers else None) for each in done.segments
    )
    return _RENDERERS[rules.result](rules, replace(done, segments=segments))


def usage_of(rules: SttRules, done: JobTranscript) -> Value:
    """Return the usage of a job: tokens, or seconds of audio."""
    if rules.result != "openai":
        return usage.duration(done.audio.duration)
    return usage.transcription(
        seconds=done.audio.duration,
        text=text_of(done.segments),
        prompt=done.request.get("prompt") or "",
    )


def _openai(rules: SttRules, done: JobTranscript) -> Value:
    return {"text": text_of(done.segments), "usage": usage_of(rules, done)}


def _deepgram(rules: SttRules, done: JobTranscript) -> Value:
    request, audio = done.request, done.audio
    punctuated = request.get("punctuate") is not False or bool(request.get("smart_format"))
    return {
        "metadata": deepgram.metadata(
            request_id=done.id,
            sha256=audio.sha256,
            created=timestamp(done.created),
            duration=round(audio.duration, 6),
            channels=audio.channels,
            name=rules.name,
            version=rules.version,
            arch=rules.arch,
        ),
        "results": deepgram.results(done.segments, audio.duration, punctuated=punctuated),
    }


def _assemblyai(_: SttRules, done: JobTranscript) -> Value:
    request, spoken = done.request, done.transcription.languages
    code = request.get("language_code") or request.get("language") or (spoken[0] if spoken else "en")
    return assemblyai.result(
        done.id,
        done.segments,
        duration=done.audio.duration,
        language="en_us" if code == "en" else code,
        model=done.model.partition("/")[2],
        request=request,
    )


_RENDERERS: Mapping[str, Callable[[SttRules, JobTranscript], Value]] = {
    "openai": _openai,
    "deepgram": _deepgram,
    "assemblyai": _assemblyai,
}
