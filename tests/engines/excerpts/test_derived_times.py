"""Words that are known as a text only are said where something is heard, and sentences end at pauses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mockserver.engines.derive import segments_of, with_words
from mockserver.engines.excerpts.derived_times import spread
from mockserver.engines.excerpts.fingerprints import FRAMES_PER_SECOND, frame_at
from mockserver.engines.transcription import Segment


def active(*spans: tuple[float, float], seconds: float = 10.0) -> NDArray[np.bool_]:
    """Return the frames of a sound that is heard in some spans of seconds."""
    frames = np.zeros(round(frame_at(seconds)), np.bool_)
    for begin, end in spans:
        frames[round(frame_at(begin)) : round(frame_at(end))] = True
    return frames


def derived(text: str, seconds: float = 10.0) -> list[Segment]:
    return [with_words(segment) for segment in segments_of(text, seconds)]


def near(seconds: float, expected: float) -> bool:
    return abs(seconds - expected) <= 2 / FRAMES_PER_SECOND


def test_sentences_end_at_the_pause_that_is_near() -> None:
    sound = active((1.0, 3.0), (3.2, 4.0), (7.0, 9.5))
    first, second = spread(derived("One two three four five. Six seven eight."), sound)
    assert near(first.start, 1.0)
    assert near(first.end, 4.0)
    assert near(second.start, 7.0)
    assert near(second.end, 9.5)
    assert first.words is not None
    assert second.words is not None
    assert [word.text for word in first.words] == ["One", "two", "three", "four", "five."]
    assert near(first.words[-1].end, 4.0)
    assert near(second.words[0].start, 7.0)


def test_without_a_pause_the_letters_decide() -> None:
    first, second = spread(derived("One two. Six ten."), active((2.0, 6.0)))
    assert near(first.start, 2.0)
    assert abs(first.end - second.start) < 0.05
    assert abs(first.end - 3.9) < 0.1  # 8 of 16 letters and marks, and a space
    assert near(second.end, 6.0)


def test_what_is_not_heard_has_no_segments() -> None:
    assert list(spread(derived("One."), active())) == []
    assert list(spread([], active((1, 2)))) == []
    assert list(spread(derived("One.", 0.0), active((1, 2)))) == []


def test_more_sentences_than_sound() -> None:
    found = list(spread(derived("One. Two. Three. Four."), active((1.0, 1.05))))
    assert [segment.text for segment in found] == ["One.", "Two.", "Three.", "Four."]
    assert all(segment.start <= segment.end for segment in found)
