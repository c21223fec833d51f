"""Transcripts in the shape of Deepgram, where audio does not end at a whole millisecond."""

from __future__ import annotations

from mockserver.engines.transcription import Segment, Word
from mockserver.wire import deepgram


def test_no_time_is_after_the_end_of_the_audio() -> None:
    duration = 1.2346
    segment = Segment("Hello.", 0.0, duration, words=(Word("Hello.", 0.0, duration),))
    (alternative,) = deepgram.results([segment], duration, punctuated=True)["channels"]["alternatives"]
    (paragraph,) = alternative["paragraphs"]
    assert alternative["words"][0]["end"] == duration
    assert paragraph["paragraphs"]["end"] == paragraph["paragraphs"]["sentences"][0]["end"] == duration
