"""Formats transcripts as Deepgram does, in the form that the AI/ML API passes on.

As in the provider's schema, ``channels`` is one object with ``alternatives``, and ``paragraphs`` is a list; see
docs/fidelity.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_URL, uuid5

from mockserver.engines.derive import confidence_of_word, confidence_of_words
from mockserver.wire.transcripts import text_of

if TYPE_CHECKING:
    from mockserver.engines.transcription import Segment, Word

Value = dict[str, Any]


def metadata(
    *,
    request_id: str,
    sha256: str,
    created: str,
    duration: float,
    channels: int,
    name: str,
    version: str,
    arch: str,
) -> Value:
    """Return the ``metadata`` of the file (``duration`` in seconds) and the model."""
    model = str(uuid5(NAMESPACE_URL, f"{name}/{version}"))
    return {
        "transaction_key": "deprecated",
        "request_id": request_id,
        "sha256": sha256,
        "created": created,
        "duration": duration,
        "channels": channels,
        "models": [model],
        "model_info": {model: {"name": name, "version": version, "arch": arch}},
    }


def results(segments: Sequence[Segment], duration: float, *, punctuated: bool) -> Value:
    """Return the transcript of segments with words; with speakers, if the segments have them."""
    speakers = list(dict.fromkeys(segment.speaker for segment in segments if segment.speaker is not None))
    words = [_word(word, segment, speakers, duration) for segment in segments for word in segment.words or ()]
    transcript = text_of(segments) if punctuated else " ".join(word["word"] for word in words)
    alternative = {
        "transcript": transcript,
        "confidence": confidence_of_words([word for segment in segments for word in segment.words or ()]),
        "words": words,
        "paragraphs": [
            _paragraph([segment for segment in turn if segment.text], duration)
            for _, turn in itertools.groupby(segments, key=lambda segment: segment.speaker)
        ]
        if transcript
        else [],
    }
    return {"channels": {"alternatives": [alternative]}}


def _word(word: Word, segment: Segment, speakers: Sequence[str], duration: float) -> Value:
    spoken = word.text.strip()
    value: Value = {
        "word": (_without_marks(spoken) or spoken).lower(),
        "start": _within(word.start, duration),
        "end": _within(word.end, duration),
        "confidence": confidence_of_word(word),
        "punctuated_word": spoken,
    }
    if segment.speaker is not None:
        value["speaker"] = speakers.index(segment.speaker)
    return value


def _without_marks(text: str) -> str:
    """Return the part of a word from its first to its last letter or digit."""
    places = [place for place, character in enumerate(text) if character.isalnum() or character == "_"]
    return text[places[0] : places[-1] + 1] if places else ""


def _paragraph(sentences: Sequence[Segment], duration: float) -> Value:
    """Return the consecutive sentences of one speaker."""
    listed = [
        {
            "text": each.text,
            "start": _within(each.start, duration),
            "end": _within(each.end, duration),
        }
        for each in sentences
    ]
    return {
        "transcript": text_of(sentences),
        "paragraphs": {
            "sentences": listed,
            "num_words": sum(len(each.words or ()) for each in sentences),
            "start": listed[0]["start"] if listed else 0.0,
            "end": listed[-1]["end"] if listed else 0.0,
        },
    }


def _within(seconds: float, duration: float) -> float:
    return min(round(seconds, 3), duration)
