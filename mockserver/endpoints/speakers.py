"""Who spoke: the speakers of a diarized transcription, and those the request knows by name."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mockserver.audio.clip import Clip
from mockserver.audio.decode import AudioTooLong, UndecodableAudio
from mockserver.gateway.errors import ApiError

if TYPE_CHECKING:
    from mockserver.engines.transcription import Segment, Transcription
    from mockserver.gateway.calls import Call

_SHORTEST, _LONGEST = 2.0, 10.0  # seconds (API reference, known_speaker_references)
_ROUNDING = 0.3  # seconds: references of 1.75 s have been accepted


@dataclass(frozen=True, slots=True)
class KnownSpeaker:
    """A speaker the request names, with a sample of the voice and its length in seconds."""

    name: str
    clip: Clip
    seconds: float


def known_speakers(call: Call, max_seconds: float) -> tuple[KnownSpeaker, ...]:
    """The request's ``known_speaker_names`` and ``known_speaker_references``.

    Raises ``ApiError`` when they do not pair up, or a reference is no audio of 2 to 10 seconds.
    """
    names = call.document.get("known_speaker_names", ())
    references = call.document.get("known_speaker_references", ())
    if len(names) != len(references) and call.strict:
        raise ApiError("known_speakers_unpaired")
    known = []
    for index, (name, reference) in enumerate(zip(names, references, strict=False)):
        clip = Clip(_data(reference), f"reference-{index}", max_seconds, keep_samples=True)
        try:
            seconds = clip.duration
        except (UndecodableAudio, AudioTooLong) as error:
            if not call.strict:
                continue
            raise ApiError("known_speaker_undecodable", index=index) from error
        if call.strict and not _SHORTEST - _ROUNDING <= seconds <= _LONGEST + _ROUNDING:
            raise ApiError("known_speaker_duration", index=index, duration=round(seconds, 2))
        known.append(KnownSpeaker(name, clip, seconds))
    return tuple(known)


def tell_apart(heard: Transcription, clip: Clip, known: tuple[KnownSpeaker, ...]) -> Transcription:
    """``heard`` with a speaker in every segment: those of the fixture, or told from the voices."""
    return replace(heard, segments=_labelled(heard, clip, known))


def _labelled(heard: Transcription, clip: Clip, known: tuple[KnownSpeaker, ...]) -> Iterator[Segment]:
    segments = iter(heard.segments)
    first = next(segments, None)
    if first is None:
        return
    if first.speaker is not None and not known:
        yield first
        yield from segments
    elif heard.answered_by == "placeholder":
        for segment in itertools.chain((first,), segments):
            yield replace(segment, speaker="A")
    else:
        yield from _by_voice(first, segments, clip, known)


def _by_voice(
    first: Segment, segments: Iterator[Segment], clip: Clip, known: tuple[KnownSpeaker, ...]
) -> Iterator[Segment]:
    from mockserver.engines.diarization import SpeakerLabels, name_speakers, voice_sample

    references = [(speaker.name, voice_sample(speaker.clip.samples())) for speaker in known]
    samples = clip.samples()
    if first.speaker is not None:
        yield from name_speakers(samples, [first, *segments], references)
        return
    labels = SpeakerLabels(references)
    for segment in itertools.chain((first,), segments):
        yield replace(segment, speaker=labels.label(voice_sample(samples, segment.start, segment.end)))


def _data(reference: str) -> bytes:
    """The bytes of a ``data:`` URL; none when it is not one."""
    import pybase64

    head, _, encoded = reference.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        return b""
    try:
        return pybase64.b64decode(encoded, validate=True)
    except ValueError:
        return b""
