"""The values that engines which hear deal in."""

from __future__ import annotations

import pytest

from mockserver.engines.transcription import Transcription


@pytest.mark.parametrize(
    ("answered_by", "heard_by"),
    [
        ("whisper; model=embedded", "whisper/embedded"),
        ("whisper; model=mine/embedded", "whisper/mine/embedded"),
        ("fixture; name=hello", "fixture/hello"),
        ("fixture; name=नमस्ते", "fixture/नमस्ते"),
        ("fixture; name=a; b=c+100%", "fixture/a%3B b=c%2B100%25"),
        ("spoken", "spoken"),
        ("placeholder", "placeholder"),
    ],
)
def test_who_heard_is_a_part_of_other_marks(answered_by: str, heard_by: str) -> None:
    assert Transcription(answered_by, 1.0, ()).heard_by == heard_by
