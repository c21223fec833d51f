"""Results of speech-to-text jobs, in the shape that belongs to the model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from mockserver.engines.derive import with_words
from mockserver.engines.transcription import TranscriptionOptions
from mockserver.providers.aimlapi.errors import timestamp
from mockserver.wire import assemblyai, deepgram, usage
from mockserver.wire.transcripts import text_of

if TYPE_CHECKING:
    from mockserver.catalog.records import SttRules
    from mockserver.engines.transcription import Segment, Transcription

Value = dict[str, Any]

_DIARIZING = {"deepgram": "diarize", "assemblyai": "speaker_labels"}  # the parameter that asks who spoke


@dataclass(frozen=True, slots=True)
class Sound:
    """What a result says of the audio file; ``duration`` in seconds."""

    sha256: str
    duration: float
    channels: int = 1


@dataclass(frozen=True, slots=True)
class Heard:
    """All there is to say about a job that is done; ``created`` is by the clock, ``id`` a UUID."""

    id: str
    model: str
    request: Mapping[str, Any]
    created: float
    sound: Sound
    transcription: Transcription
    segments: Sequence[Segment]


def asks_who_spoke(rules: SttRules, request: Mapping[str, Any]) -> bool:
    """Whether the result tells speakers apart."""
    return bool(request.get(_DIARIZING.get(rules.result, "")))


def options(rules: SttRules, request: Mapping[str, Any]) -> TranscriptionOptions:
    """What is asked of the engine."""
    tag = request.get("language") or request.get("language_code") or ""
    language = tag.replace("_", "-").partition("-")[0].lower()
    return TranscriptionOptions(
        languages=(language,) if language else (),
        prompt=request.get("prompt") or "",
        temperature=request.get("temperature") or 0.0,
        words=rules.result != "openai",
    )


def result(rules: SttRules, heard: Heard) -> Value:
    """The result."""
    speakers = asks_who_spoke(rules, heard.request)
    segments = tuple(
        replace(with_words(each), speaker=each.speaker if speakers else None) for each in heard.segments
    )
    return _SHAPES[rules.result](rules, replace(heard, segments=segments))


def used(rules: SttRules, heard: Heard) -> Value:
    """What is to be paid for: tokens, or seconds of audio."""
    if rules.result != "openai":
        return usage.duration(heard.sound.duration)
    return usage.transcription(
        seconds=heard.sound.duration,
        text=text_of(heard.segments),
        prompt=heard.request.get("prompt") or "",
    )


def _openai(rules: SttRules, heard: Heard) -> Value:
    return {"text": text_of(heard.segments), "usage": used(rules, heard)}


def _deepgram(rules: SttRules, heard: Heard) -> Value:
    request, sound = heard.request, heard.sound
    punctuated = request.get("punctuate") is not False or bool(request.get("smart_format"))
    return {
        "metadata": deepgram.metadata(
            request_id=heard.id,
            sha256=sound.sha256,
            created=timestamp(heard.created),
            duration=round(sound.duration, 6),
            channels=sound.channels,
            name=rules.name,
            version=rules.version,
            arch=rules.arch,
        ),
        "results": deepgram.results(heard.segments, sound.duration, punctuated=punctuated),
    }


def _assemblyai(_: SttRules, heard: Heard) -> Value:
    request, spoken = heard.request, heard.transcription.languages
    code = request.get("language_code") or request.get("language") or (spoken[0] if spoken else "en")
    return assemblyai.result(
        heard.id,
        heard.segments,
        duration=heard.sound.duration,
        language="en_us" if code == "en" else code,
        model=heard.model.partition("/")[2],
        request=request,
    )


_SHAPES: Mapping[str, Callable[[SttRules, Heard], Value]] = {
    "openai": _openai,
    "deepgram": _deepgram,
    "assemblyai": _assemblyai,
}
