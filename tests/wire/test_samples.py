"""Recorded answers of the real API, rebuilt from their contents by our own renderers: byte for byte."""

from __future__ import annotations

import json
import re

import pytest

from mockserver.engines.transcription import Segment, Word
from mockserver.wire import json_styles, subtitles, transcripts, usage
from tests.conftest import SHARED

SAMPLES = SHARED / "reference" / "samples"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the recordings are not on this machine")


def recorded(name: str) -> tuple[dict[str, str], str]:
    """The headers and the body of a recording."""
    head, _, body = (SAMPLES / f"{name}.txt").read_text("utf-8").partition("\n\n")
    lines = [line.split(": ", 1) for line in head.splitlines()[2:]]
    return {name.lower(): value for name, value in lines}, body


def test_json_of_whisper() -> None:
    headers, body = recorded("transcription_json_whisper")
    rebuilt = json_styles.compact({"text": "Hello, world! This is a test.", "usage": usage.duration(1.704)})
    assert json.loads(rebuilt) == json.loads(body)
    assert len(rebuilt) == int(headers["content-length"])


def test_usage_of_the_gpt_4o_family() -> None:
    headers, body = recorded("transcription_gpt4omini_usage")
    text = json.loads(body)["text"]
    rebuilt = json_styles.compact({"text": text, "usage": usage.transcription(seconds=1.704, text=text)})
    assert json.loads(rebuilt) == json.loads(body)
    assert len(rebuilt) == int(headers["content-length"])


@pytest.mark.parametrize(
    ("name", "render"),
    [("transcription_srt_whisper", subtitles.srt), ("transcription_vtt_whisper", subtitles.vtt)],
)
def test_subtitles(name: str, render: object) -> None:
    headers, body = recorded(name)
    rebuilt = render([Segment("Hello, world! This is a test.", 0.0, 2.0)])  # type: ignore[operator]
    assert len(rebuilt) == int(headers["content-length"])
    assert rebuilt.strip() == body.strip()


def test_verbose_json_with_words() -> None:
    headers, body = recorded("transcription_verbose_word")
    known = json.loads(body)
    words = tuple(Word(word["word"], word["start"], word["end"]) for word in known["words"])
    rebuilt = json_styles.compact(
        transcripts.verbose_json(
            task="transcribe",
            language="english",
            duration=1.704,
            segments=[Segment(known["text"], 0.0, 1.44, words)],
            granularities=["word"],
            temperature=0.0,
            usage=usage.duration(1.704),
        )
    )
    assert rebuilt == json_styles.compact(known)
    assert len(rebuilt) == int(headers["content-length"])


def test_stream_of_tokens() -> None:
    _, body = recorded("transcription_stream")
    text = "Hello world, this is a test."
    events = [
        transcripts.delta_event(token, None) for token, _ in transcripts.deltas([Segment(text, 0.0, 1.4)])
    ]
    events.append(transcripts.done_event(text, usage=usage.transcription(seconds=1.704, text=text)))
    rebuilt = b"".join(events).decode() + "data: [DONE]\r\n\r\n"
    assert rebuilt == re.sub(r"\\r\\n\n", "\r\n", body).lstrip("\n")


def test_usage_of_spoken_text() -> None:
    _, body = recorded("speech_sse")
    done = next(json.loads(line[6:-4]) for line in body.splitlines() if "speech.audio.done" in line)
    assert usage.speech("Hello, world! This is a streaming test.", 3.56) == done["usage"]
