"""Assigns a speaker to each segment of a transcription."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from mockserver.engines.answers import PLACEHOLDER

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.engines.transcription import Segment, Transcription


class KnownSpeaker(Struct, frozen=True):
    """A speaker that the request names, with a sample of the voice and its length in seconds."""

    name: str
    clip: Clip
    seconds: float


def with_speakers(transcription: Transcription, clip: Clip, known: tuple[KnownSpeaker, ...]) -> Transcription:
    """Return the transcription with a speaker in each segment: the fixture's speaker, or one found by voice."""
    return replace(transcription, segments=_labelled(transcription, clip, known))


def _labelled(transcription: Transcription, clip: Clip, known: tuple[KnownSpeaker, ...]) -> Iterator[Segment]:
    segments = iter(transcription.segments)
    first = next(segments, None)
    if first is None:
        return
    if first.speaker is not None and not known:
        yield first
        yield from segments
    elif transcription.answered_by == PLACEHOLDER:
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
