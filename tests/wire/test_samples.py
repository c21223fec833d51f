"""Recorded answers of the real API, rendered again from their contents: equal in length and value."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest

from mockserver import json_styles
from mockserver.engines.transcription import Segment, Word
from mockserver.wire import subtitles, transcripts, usage
from tests.conftest import DATA

SAMPLES: dict[str, Any] = tomllib.loads((DATA / "rebuilt.toml").read_text("utf-8"))


def test_json_of_whisper() -> None:
    sample = SAMPLES["json"]
    rebuilt = json_styles.compact({"text": sample["text"], "usage": usage.duration(sample["seconds"])})
    assert len(rebuilt) == sample["content_length"]
    assert usage.duration(sample["seconds"]) == sample["usage"]


def test_usage_of_the_gpt_4o_family() -> None:
    sample = SAMPLES["usage_of_tokens"]
    counted = usage.transcription(seconds=sample["seconds"], text=sample["text"])
    assert counted == sample["usage"]
    assert len(json_styles.compact({"text": sample["text"], "usage": counted})) == sample["content_length"]


@pytest.mark.parametrize(("name", "render"), [("srt", subtitles.srt), ("vtt", subtitles.vtt)])
def test_subtitles(name: str, render: Any) -> None:
    sample = SAMPLES[name]
    rebuilt = render([Segment(sample["text"], sample["start"], sample["end"])])
    assert len(rebuilt) == sample["content_length"]
    assert rebuilt.split("\n")[: len(sample["lines"])] == sample["lines"]


def test_verbose_json_with_words() -> None:
    sample = SAMPLES["verbose_words"]
    words = tuple(Word(*word) for word in sample["words"])
    rebuilt = json_styles.compact(
        transcripts.verbose_json(
            task="transcribe",
            language="english",
            duration=sample["seconds"],
            segments=[Segment(sample["text"], 0.0, 1.44, words)],
            granularities=["word"],
            temperature=0.0,
            usage=usage.duration(sample["seconds"]),
        )
    )
    assert len(rebuilt) == sample["content_length"]
    for number in sample["numbers"]:
        assert f":{number}".encode() in rebuilt


def test_stream_of_tokens() -> None:
    sample = SAMPLES["stream"]
    segments = [Segment(sample["text"], 0.0, 1.4)]
    events = [transcripts.delta_event(token, None) for token, _ in transcripts.deltas(segments)]
    counted = usage.transcription(seconds=sample["seconds"], text=sample["text"])
    assert [event.decode() for event in events] == [
        f'data: {{"type":"transcript.text.delta","delta":"{token}"}}\r\n\r\n' for token in sample["tokens"]
    ]
    assert counted == sample["usage"]
    assert transcripts.done_event(sample["text"], usage=counted).decode() == sample["done"]


def test_usage_of_spoken_text() -> None:
    sample = SAMPLES["speech"]
    assert usage.speech(sample["text"], sample["seconds"]) == sample["usage"]
