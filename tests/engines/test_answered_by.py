"""``AnsweredBy``: a value, and its text form."""

from __future__ import annotations

import pytest

from mockserver.engines.answered_by import AnsweredBy


@pytest.mark.parametrize(
    ("text", "source", "mark"),
    [
        ("whisper; model=embedded", "whisper", "whisper/embedded"),
        ("whisper; model=mine/embedded", "whisper", "whisper/mine/embedded"),
        ("fixture; name=hello", "fixture", "fixture/hello"),
        ("fixture; name=नमस्ते", "fixture", "fixture/नमस्ते"),
        ("fixture; name=a; b=c+100%", "fixture", "fixture/a%3B b=c%2B100%25"),
        ("spoken", "spoken", "spoken"),
        ("placeholder", "placeholder", "placeholder"),
    ],
)
def test_who_answered_is_read_from_the_text_that_it_is_written_as(text: str, source: str, mark: str) -> None:
    read = AnsweredBy.read(text)
    assert read is not None
    assert (str(read), read.source, read.mark) == (text, source, mark)


def test_details_are_listed_in_order() -> None:
    answered_by = AnsweredBy("responder").with_detail("voice", "Anna").with_detail("heard-by", "spoken")
    assert str(answered_by) == "responder; voice=Anna; heard-by=spoken"


def test_nobody_is_an_empty_text() -> None:
    assert AnsweredBy.read("") is None
