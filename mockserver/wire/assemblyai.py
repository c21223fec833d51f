"""Formats transcripts as AssemblyAI does, in the form that the AI/ML API passes on. Times are in milliseconds.

Members that are null in the provider's samples are left out, because its schema does not allow null for them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.engines.derive import confidence_of_word, confidence_of_words
from mockserver.wire.transcripts import text_of

if TYPE_CHECKING:
    from mockserver.engines.transcription import Segment, Word

Value = dict[str, Any]

# The switches of a request, and their defaults.
_SWITCHES = {
    "language_detection": False,
    "punctuate": True,
    "format_text": True,
    "disfluencies": False,
    "multichannel": False,
    "auto_highlights": False,
    "filter_profanity": False,
    "redact_pii": False,
    "redact_pii_audio": False,
    "speaker_labels": False,
    "content_safety": False,
    "iab_categories": False,
    "summarization": False,
    "auto_chapters": False,
    "sentiment_analysis": False,
    "entity_detection": False,
}
# Analyses that are always empty: the switch, and the member of the result with its value.
_EMPTY: Mapping[str, tuple[str, object]] = {
    "auto_highlights": ("auto_highlights_result", {"status": "success", "results": []}),
    "summarization": ("summary", ""),
    "auto_chapters": ("chapters", []),
    "sentiment_analysis": ("sentiment_analysis_results", []),
    "entity_detection": ("entities", []),
}
_ALWAYS = {"content_safety": "content_safety_labels", "iab_categories": "iab_categories_result"}
_REPEATED = ("word_boost", "boost_param", "custom_spelling", "speakers_expected", "speech_threshold")


def result(
    transcript_id: str,
    segments: Sequence[Segment],
    *,
    duration: float,
    language: str,
    model: str,
    request: Mapping[str, Any],
) -> Value:
    """Return the whole object; ``duration`` is in seconds, ``language`` in the API's form (``en_us``).

    ``segments`` have words, and speakers if the ``request`` asks for them.
    """
    words = [word for segment in segments for word in segment.words or ()]
    switches = {name: bool(request.get(name, default)) for name, default in _SWITCHES.items()}
    value: Value = {
        "id": transcript_id,
        "language_model": "assemblyai_default",
        "acoustic_model": "assemblyai_default",
        "language_code": language,
        "status": "completed",
        "speech_model": model,
        "text": text_of(segments),
        "words": _words(segments, duration),
        "confidence": confidence_of_words(words),
        "audio_duration": math.ceil(round(duration, 4)),
        "speed_boost": False,
        "throttled": False,
        **switches,
    }
    if switches["speaker_labels"]:
        value["utterances"] = [
            _utterance(speaker, list(turn), duration)
            for speaker, turn in itertools.groupby(segments, key=lambda segment: segment.speaker or "A")
        ]
    value |= {name: request[name] for name in _REPEATED if request.get(name) is not None}
    value |= dict(_EMPTY[switch] for switch in _EMPTY if switches[switch])
    for switch, member in _ALWAYS.items():
        status = "success" if switches[switch] else "unavailable"
        value[member] = {"status": status, "results": [], "summary": {}}
    return value


def _utterance(speaker: str, segments: Sequence[Segment], duration: float) -> Value:
    words = _words(segments, duration)
    return {
        "confidence": confidence_of_words([word for segment in segments for word in segment.words or ()]),
        "end": _milliseconds(segments[-1].end, duration),
        "speaker": speaker,
        "start": _milliseconds(segments[0].start, duration),
        "text": text_of(segments),
        "words": words,
    }


def _words(segments: Sequence[Segment], duration: float) -> list[Value]:
    return [_word(word, segment, duration) for segment in segments for word in segment.words or ()]


def _word(word: Word, segment: Segment, duration: float) -> Value:
    value: Value = {
        "text": word.text.strip(),
        "start": _milliseconds(word.start, duration),
        "end": _milliseconds(word.end, duration),
        "confidence": confidence_of_word(word),
    }
    return value if segment.speaker is None else value | {"speaker": segment.speaker}


def _milliseconds(seconds: float, duration: float) -> int:
    return math.floor(1000 * min(seconds, duration))
