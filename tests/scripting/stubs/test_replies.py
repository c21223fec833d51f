"""The members that a reply leaves out are filled in consistently."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.app import ENDPOINTS
from mockserver.engines.transcription import Segment
from mockserver.scripting.stubs.replies import ReplyError, Scripted, check_reply


def segments(reply: dict[str, Any], duration: float = 10.0) -> list[Segment]:
    return list(Scripted("stub-1", reply).transcription(duration, ()).segments)


def times(found: list[Segment]) -> list[tuple[float, float]]:
    return [(segment.start, segment.end) for segment in found]


def test_a_bare_text_lasts_as_long_as_the_clip() -> None:
    found = segments({"text": "One two. Three four."})
    assert [segment.text for segment in found] == ["One two.", "Three four."]
    assert (found[0].start, found[-1].end) == (0.0, 10.0)


def test_missing_times_are_shared_out_by_length() -> None:
    assert times(segments({"segments": [{"text": "aaa"}, {"text": "a"}]})) == [(0.0, 7.5), (7.5, 10.0)]


def test_missing_times_keep_between_the_given_ones() -> None:
    rows = [{"text": "aa", "end": 1.0}, {"text": "aa"}, {"text": "aa"}, {"text": "aa", "start": 5.0}]
    assert times(segments({"segments": rows})) == [(0.0, 1.0), (1.0, 3.0), (3.0, 5.0), (5.0, 10.0)]


def test_segments_beyond_the_clip_have_no_length() -> None:
    assert times(segments({"segments": [{"text": "a", "end": 12.0}, {"text": "b"}]})) == [
        (0.0, 12.0),
        (12.0, 12.0),
    ]


def test_words_make_sentences_of_one_speaker() -> None:
    rows = [
        {"word": "Hello", "start": 0.0, "end": 0.5, "speaker": "anna"},
        {"word": "there.", "start": 0.5, "end": 1.0, "speaker": "anna"},
        {"word": "Hi.", "start": 1.5, "end": 2.0, "speaker": "ben", "probability": 0.5},
    ]
    found = segments({"words": rows})
    assert [(each.speaker, each.text, each.start, each.end) for each in found] == [
        ("anna", "Hello there.", 0.0, 1.0),
        ("ben", "Hi.", 1.5, 2.0),
    ]
    assert found[1].words is not None
    assert found[1].words[0].probability == 0.5


def test_whoever_spoke_speaks_on() -> None:
    rows = [{"text": "a"}, {"text": "b", "speaker": "ben"}, {"text": "c"}, {"text": "d", "speaker": "anna"}]
    assert [each.speaker for each in segments({"segments": rows})] == ["ben", "ben", "ben", "anna"]
    words = [
        {"word": "Hi", "start": 0, "end": 1, "speaker": "anna"},
        {"word": "there.", "start": 1, "end": 2},
    ]
    assert [each.speaker for each in segments({"words": words})] == ["anna", "anna"]
    assert [each.speaker for each in segments({"segments": [{"text": "a"}]})] == [None]


def test_segments_have_word_times_within_them() -> None:
    (found,) = segments({"segments": [{"text": "One two", "start": 2.0, "end": 4.0}]})
    assert found.words is not None
    assert [(word.text, word.start, word.end) for word in found.words] == [
        ("One", 2.0, 3.0),
        ("two", 3.0, 4.0),
    ]


def test_nothing_said_has_no_language() -> None:
    assert Scripted("stub-1", {"text": ""}).transcription(1.0, ("fr",)).languages == ()


@pytest.mark.parametrize(
    ("reply", "language"), [({"text": "a", "language": "de"}, "de"), ({"text": "a"}, "fr")]
)
def test_the_language_is_the_replys_or_the_one_hinted_at(reply: dict[str, Any], language: str) -> None:
    assert Scripted("stub-1", reply).transcription(1.0, ("fr",)).languages == (language,)


def test_a_duration_replaces_that_of_the_clip() -> None:
    assert Scripted("stub-1", {"text": "a", "duration": 3}).transcription(1.0, ()).duration == 3.0


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        ({"delay": 1}, "the reply has no content"),
        ({"text": "a", "error": "server_error"}, "error and text are different kinds of replies"),
        ({"segments": [{"text": "a", "start": 2, "end": 1}]}, "segments[0]: end is before start"),
        ({"audio": {"base64": "!"}}, "audio.base64: is not valid base64"),
        ({"text": "x", "headers": {"x a:": "b"}}, "headers: 'x a:' is not a valid header name"),
        (
            {"text": "x", "headers": {"Content-Length": "3"}},
            "headers: the server sets Content-Length. Use the fault wrong",
        ),
        ({"text": "x", "headers": {"x-a": "a\r\nb"}}, "headers.x-a: 'a\\r\\nb' is not a header value"),
        ({"body": "x", "content_type": "日本"}, "content_type: '日本' is not a header value"),
        (
            {"tool_calls": [{"name": "f"}], "segments": []},
            "no endpoint can be answered with segments, tool_calls",
        ),
        ({"audio": "a.wav"}, "audio: only a stub in a file can name files"),
        (
            {"text": "b", "words": [{"word": "a", "start": 0, "end": 1}]},
            "text: differs from the words ('a')",
        ),
    ],
    ids=str,
)
def test_a_reply_that_makes_no_sense_says_where(reply: dict[str, Any], message: str) -> None:
    with pytest.raises(ReplyError) as error:
        check_reply(reply, None, ENDPOINTS.reply_kinds, may_read=False)
    assert str(error.value).startswith(message)
