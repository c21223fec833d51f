"""The parts that a transcript lacks are derived from those that it has."""

from __future__ import annotations

import pytest

from mockserver.engines.derive import segments_of, segments_of_words, with_words
from mockserver.engines.transcription import Segment, Word


def texts(text: str) -> list[str]:
    return [segment.text for segment in segments_of(text, 10.0)]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Hello.", ["Hello."]),
        ("Hello. How are you? Fine!", ["Hello.", "How are you?", "Fine!"]),
        ("No full stop", ["No full stop"]),
        ("It costs 3.50 euros. Really?!", ["It costs 3.50 euros.", "Really?!"]),
        ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
        ("Well... let me see.", ["Well...", "let me see."]),
        (
            "Dr. Who met Mrs. Hudson at 5 p.m. in St. Ives. Then he left.",
            ["Dr. Who met Mrs. Hudson at 5 p.m. in St. Ives.", "Then he left."],
        ),
        ("Is it? No. It is not.", ["Is it?", "No.", "It is not."]),
        ("  Two\nlines.  ", ["Two\nlines."]),
        ("こんにちは。元気ですか？", ["こんにちは。", "元気ですか？"]),
        ("", []),
        ("   ", []),
        ("...", ["..."]),
    ],
)
def test_a_sentence_is_a_segment(text: str, sentences: list[str]) -> None:
    assert texts(text) == sentences


def test_segments_share_the_clip_by_their_length() -> None:
    first, second = segments_of("Four. Four. "[:5] + " " + "Twice four.", 8.0)
    assert (first.start, first.end) == (0.0, second.start)
    assert second.end == 8.0
    assert (second.end - second.start) / (first.end - first.start) == pytest.approx(11 / 5, rel=1e-3)


def test_words_share_their_segment_by_their_length() -> None:
    words = with_words(Segment("a bb ccc", 10.0, 16.0)).words
    assert words == (Word("a", 10.0, 11.0), Word("bb", 11.0, 13.0), Word("ccc", 13.0, 16.0))


def test_words_that_are_known_are_kept() -> None:
    known = Segment("Hello.", 0.0, 1.0, words=(Word("Hello.", 0.2, 0.8, 0.9),))
    assert with_words(known) is known


def test_a_segment_without_words_has_none() -> None:
    assert with_words(Segment("", 0.0, 1.0)).words == ()


def test_words_in_order_make_sentences() -> None:
    words = tuple(
        Word(text, float(second), second + 0.5) for second, text in enumerate(["Oh", "no.", "So", "it", "is"])
    )
    assert segments_of_words(words) == (
        Segment("Oh no.", 0.0, 1.5, words=words[:2]),
        Segment("So it is", 2.0, 4.5, words=words[2:]),
    )


@pytest.mark.parametrize("ending", ["end.", "end!", 'end."', "end?)", "end…", "end。", "end！»"])
def test_a_sentence_ends_in_many_ways(ending: str) -> None:
    words = (Word(ending, 0.0, 1.0), Word("more", 1.0, 2.0))
    assert [segment.text for segment in segments_of_words(words)] == [ending, "more"]


@pytest.mark.parametrize("abbreviation", ["Dr.", "p.m.", "(Mrs.", "e.g."])
def test_an_abbreviation_ends_no_sentence(abbreviation: str) -> None:
    words = (Word(abbreviation, 0.0, 1.0), Word("more", 1.0, 2.0))
    assert [segment.text for segment in segments_of_words(words)] == [f"{abbreviation} more"]


def test_no_words_make_no_sentence() -> None:
    assert segments_of_words(()) == ()


@pytest.mark.parametrize("text", ["." * 300_000 + "x", ".!" * 200_000 + "x", "a. " * 200_000, '!"' * 200_000])
def test_no_text_takes_a_time_that_grows_with_its_square(text: str) -> None:
    assert "".join(segment.text for segment in segments_of(text, 1.0)).replace(" ", "") == text.replace(
        " ", ""
    )
