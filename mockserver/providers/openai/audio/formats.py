"""The response formats of transcriptions and translations: a table of content types and renderers.

Renderers import what they use when they are called: the command line needs only the names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mockserver.engines.transcription import Segment, Task
    from mockserver.wire.tokens import Vocabulary

_TEXT = "text/plain; charset=utf-8"
_JSON = "application/json"


class Transcript(NamedTuple):
    """A complete transcription, with the values that response formats render.

    ``duration`` is in seconds, ``language`` the English name ("english"). The last three are for members of ``json``
    and are left out if ``None``: the codes of the languages, the vocabulary of the tokens with log probabilities, and
    the usage, which ``diarized_json`` also has.
    """

    segments: tuple[Segment, ...]
    duration: float
    task: Task
    language: str
    temperature: float
    granularities: tuple[str, ...] = ("segment",)
    languages: list[dict[str, str]] | None = None
    logprobs_in: Vocabulary | None = None
    usage: Mapping[str, object] | None = None


class Format(NamedTuple):
    """A response format; ``tasks`` are the tasks that it is available for."""

    content_type: str
    render: Callable[[Transcript], bytes]
    tasks: tuple[Task, ...] = ("transcribe", "translate")


def format_of(name: str, task: Task) -> Format:
    """Return the format with a ``name``; ``json`` for an unknown one, which only strictness ``off`` lets pass."""
    found = FORMATS.get(name)
    return found if found is not None and task in found.tasks else FORMATS["json"]


def _json(transcript: Transcript) -> bytes:
    from mockserver import json_styles
    from mockserver.wire import transcripts

    body: dict[str, object] = {"text": transcripts.text_of(transcript.segments)}
    if transcript.logprobs_in is not None:
        deltas = transcripts.deltas(transcript.segments, transcript.logprobs_in)
        body["logprobs"] = [each for _, logprobs in deltas for each in logprobs]
    if transcript.languages is not None:
        body["languages"] = transcript.languages
    if transcript.usage is not None:
        body["usage"] = transcript.usage
    return json_styles.compact(body, has_floats=transcript.logprobs_in is not None)


def _text(transcript: Transcript) -> bytes:
    from mockserver.wire import transcripts

    return f"{transcripts.text_of(transcript.segments)}\n".encode()


def _srt(transcript: Transcript) -> bytes:
    from mockserver.wire import subtitles

    return subtitles.srt(transcript.segments).encode()


def _vtt(transcript: Transcript) -> bytes:
    from mockserver.wire import subtitles

    return subtitles.vtt(transcript.segments).encode()


def _verbose_json(transcript: Transcript) -> bytes:
    from mockserver import json_styles
    from mockserver.engines.derive import with_words
    from mockserver.wire import transcripts, usage

    segments = transcript.segments
    if "word" in transcript.granularities:
        segments = tuple(with_words(segment) for segment in segments)
    body = transcripts.verbose_json(
        task=transcript.task,
        language=transcript.language,
        duration=transcript.duration,
        segments=segments,
        granularities=transcript.granularities,
        temperature=transcript.temperature,
        usage=usage.duration(transcript.duration),
    )
    return json_styles.compact(body)


def _diarized_json(transcript: Transcript) -> bytes:
    from mockserver import json_styles
    from mockserver.wire import transcripts

    body = {
        "text": transcripts.text_of(transcript.segments),
        "task": transcript.task,
        "duration": round(transcript.duration, 3),
        "segments": [
            transcripts.diarized_segment(number, segment)
            for number, segment in enumerate(transcript.segments)
        ],
        "usage": transcript.usage,
    }
    return json_styles.compact(body)


# In the order of the schemas' enums.
FORMATS: Mapping[str, Format] = {
    "json": Format(_JSON, _json),
    "text": Format(_TEXT, _text),
    "srt": Format(_TEXT, _srt),
    "verbose_json": Format(_JSON, _verbose_json),
    "vtt": Format(_TEXT, _vtt),
    "diarized_json": Format(_JSON, _diarized_json, tasks=("transcribe",)),
}
