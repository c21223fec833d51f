"""The transcripts of audio files in the journal, in the form of fixtures and stubs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def segments_of(file: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the segments of an audio file with their words; empty if the journal does not have them."""
    transcript = file["transcript"] or {"segments": (), "words": None}
    words = transcript["words"] or ()
    return [
        _segment(each, words)
        for each in transcript["segments"]
        if each["text"].strip() and each["start"] <= each["end"]
    ]


def _segment(row: Mapping[str, Any], words: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a segment with those of the ``words`` that lie in it."""
    segment = {"text": row["text"].strip(), "start": row["start"], "end": row["end"]}
    if row["speaker"]:
        segment["speaker"] = row["speaker"]
    inside = [
        {"word": each["word"].strip(), "start": each["start"], "end": each["end"]}
        for each in words
        if row["start"] <= each["start"] <= each["end"] <= row["end"] and each["word"].strip()
    ]
    return segment | ({"words": inside} if inside else {})
