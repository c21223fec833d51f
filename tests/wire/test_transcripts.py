"""Details of transcripts that no recording shows."""

from __future__ import annotations

import json
import math

from mockserver.engines.transcription import Segment, Word
from mockserver.wire import subtitles, transcripts, usage


def verbose(segment: Segment, temperature: float = 0.0) -> dict[str, object]:
    body = transcripts.verbose_json(
        task="transcribe",
        language="english",
        duration=40.0,
        segments=[segment],
        granularities=["segment", "word"],
        temperature=temperature,
        usage=usage.duration(40.0),
    )
    segments = json.loads(json.dumps(body))["segments"]
    return dict(segments[0])


def test_what_the_engine_says_is_kept() -> None:
    given = verbose(
        Segment(
            "Hi.",
            1.0,
            2.0,
            tokens=(1, 2),
            temperature=0.5,
            avg_logprob=-0.25,
            compression_ratio=0.75,
            no_speech_prob=0.5,
            seek=7,
        )
    )
    assert (given["tokens"], given["temperature"], given["avg_logprob"], given["seek"]) == (
        [1, 2],
        0.5,
        -0.25,
        7,
    )


def test_what_it_does_not_say_is_derived_the_same_way_each_time() -> None:
    segment = Segment("The quick brown fox.", 31.0, 32.5)
    assert verbose(segment) == verbose(segment)
    assert verbose(segment)["seek"] == 3000
    assert verbose(segment)["tokens"][0] == 50364 + 50  # type: ignore[index]


def test_compression_ratio_is_that_of_the_text() -> None:
    assert (
        verbose(Segment("Hello world, this is a test.", 0.0, 1.46))["compression_ratio"] == 0.8235294222831726
    )


def test_words_lose_their_punctuation_but_not_their_apostrophe() -> None:
    words = tuple(Word(text, 0.0, 1.0) for text in ("“Don't", "stop!”", "–", "e.g."))
    body = transcripts.verbose_json(
        task="transcribe",
        language="english",
        duration=1.0,
        segments=[Segment("x", 0.0, 1.0, words)],
        granularities=["word"],
        temperature=0.0,
        usage=usage.duration(1.0),
    )
    assert [word["word"] for word in body["words"]] == ["Don't", "stop", "–", "e.g"]  # type: ignore[attr-defined]


def test_logprobs_are_those_of_the_words_where_the_engine_knows_them() -> None:
    words = (Word("Hello", 0.0, 0.5, 0.5), Word("world.", 0.5, 1.0, 0.25))
    heard = list(transcripts.deltas([Segment("Hello world.", 0.0, 1.0, words)]))
    assert [token for token, _ in heard] == ["Hello", " world", "."]
    assert [each[0]["logprob"] for _, each in heard] == [math.log(0.5), math.log(0.25), math.log(0.25)]


def test_hours_are_shown_in_subtitles() -> None:
    assert "01:02:03,500 --> 01:02:04,000" in subtitles.srt([Segment("x", 3723.5, 3724.0)])


def test_silence_has_no_cues() -> None:
    assert subtitles.srt([]) == "\n"
    assert subtitles.vtt([]) == "WEBVTT\n\n"
    assert transcripts.text_of([]) == ""
