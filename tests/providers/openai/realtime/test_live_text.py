"""The words of speech that goes on: when they are believed, when they are due, and how sent text is continued."""

from __future__ import annotations

import pytest

from mockserver.engines.transcription import Segment, Word
from mockserver.providers.openai.realtime.live_text import Due, LiveSpeech, LiveText

LAG = 900.0  # milliseconds from the end of a word to its delta


def said(text: str, *, word_seconds: float = 0.4) -> list[Segment]:
    """Return one segment whose words last so long each."""
    words = tuple(
        Word(word, round(n * word_seconds, 3), round((n + 1) * word_seconds, 3))
        for n, word in enumerate(text.split())
    )
    return [Segment(text, 0.0, len(words) * word_seconds, words=words)]


def texts(dues: list[Due]) -> list[str]:
    return [due.text for due in dues]


@pytest.mark.parametrize(
    ("sent", "text", "more"),
    [
        ("", "Hello", "Hello"),
        ("Hello", "Hello, it is", ", it is"),
        ("Hello it", "Hello", ""),
        ("Hello it", "Hello it", ""),
        ("Hello it", "hello, it is late.", " is late."),
        ("I scream for", "Ice cream for you and me", " you and me"),
        ("A B", "Other words follow here", " follow here"),
        ("Far too many words", "Few", ""),
    ],
)
def test_sent_text_is_continued(sent: str, text: str, more: str) -> None:
    live = LiveText()
    assert live.more(sent) == sent
    assert live.more(text) == more
    assert live.sent == sent + more


def test_words_of_known_speech_are_due_a_lag_after_their_end() -> None:
    speech = LiveSpeech(1000.0, LAG)
    dues = list(speech.hear(said("Hello, it is."), 2200.0, is_sure=True))
    assert dues == [Due(100.0, "Hello"), Due(500.0, "Hello, it"), Due(900.0, "Hello, it is")]


def test_words_whose_time_has_passed_are_due_at_once() -> None:
    speech = LiveSpeech(0.0, LAG)
    assert [due.delay_ms for due in speech.hear(said("One two."), 5000.0, is_sure=True)] == [0.0, 0.0]


def test_an_engine_is_believed_when_it_hears_the_same_words_again() -> None:
    speech = LiveSpeech(0.0, LAG)
    assert list(speech.hear(said("What is"), 1000.0, is_sure=False)) == []
    dues = list(speech.hear(said("What, was the"), 1500.0, is_sure=False))
    assert texts(dues) == ["What"]
    assert texts(list(speech.hear(said("What was the"), 2000.0, is_sure=False))) == [
        "What",
        "What was",
        "What was the",
    ]


def test_a_word_at_the_end_of_the_audio_is_not_sure() -> None:
    speech = LiveSpeech(0.0, LAG)
    for _ in range(2):
        dues = list(speech.hear(said("What was the"), 1400.0, is_sure=False))
    assert texts(dues) == ["What", "What was"]


def test_speech_is_looked_at_when_a_first_word_can_be_due_then_regularly() -> None:
    speech = LiveSpeech(500.0, LAG)
    looks = [ms for ms in range(32, 6000, 32) if speech.is_due(ms)]
    assert looks == [1152, 1952, 2752, 3552, 4352, 5152, 5952]


def test_a_short_delay_has_more_looks() -> None:
    speech = LiveSpeech(0.0, 150.0)
    looks = [ms for ms in range(32, 2000, 32) if speech.is_due(ms)]
    assert looks == [576, 896, 1216, 1536, 1856]


def test_an_engine_is_asked_from_the_second_time_on() -> None:
    speech = LiveSpeech(0.0, LAG)
    assert [speech.unheard(ms) for ms in (650.0, 1450.0, 2250.0)] == [(), (650.0, 1450.0), (2250.0,)]
    list(speech.hear(said("known"), 3000.0, is_sure=True))
    assert speech.unheard(3800.0) == ()


def test_of_long_speech_only_what_follows_the_last_pause_is_transcribed_again() -> None:
    speech = LiveSpeech(0.0, LAG)
    words = (Word("four", 13.0, 14.0), Word("five", 14.0, 15.5))
    segments = [*said("One two, three."), Segment("four five", 13.0, 15.5, words=words)]
    list(speech.hear(segments, 15_900.0, is_sure=True))
    assert speech.from_ms == 7_100.0  # between 1.2 and 13 seconds
    dues = list(speech.hear(said("four"), 16_700.0, is_sure=True))
    assert texts(dues) == ["One two, three. four"]


def test_speech_without_a_pause_is_cut_in_the_end() -> None:
    speech = LiveSpeech(0.0, LAG)
    text = " ".join(f"w{n}" for n in range(50))  # 20 seconds
    list(speech.hear(said(text), 20_500.0, is_sure=True))
    assert speech.from_ms == 0.0
    list(speech.hear(said(text), 30_500.0, is_sure=True))
    assert speech.from_ms == 20_000.0


def test_audio_that_nobody_understands_is_not_transcribed_again_and_again() -> None:
    speech = LiveSpeech(0.0, LAG)
    assert list(speech.hear([], 15_500.0, is_sure=False)) == []
    assert speech.from_ms == 14_500.0


def test_words_without_times_get_some() -> None:
    speech = LiveSpeech(0.0, 0.0)
    dues = list(speech.hear([Segment("ab cd", 0.0, 2.0)], 2000.0, is_sure=True))
    assert dues == [Due(0.0, "ab"), Due(0.0, "ab cd")]
