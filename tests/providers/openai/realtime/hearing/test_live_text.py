"""Speech that goes on: when it is looked at, which words are believed and when they are due, how text is continued."""

from __future__ import annotations

import itertools

import pytest

from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.transcription import Segment, Transcription, Word
from mockserver.providers.openai.realtime.hearing.listening import Heard
from mockserver.providers.openai.realtime.hearing.live_text import Cut, Due, LiveSpeech, LiveText

LAG = 900.0  # milliseconds from the end of a word to its delta


def said(text: str, *, word_seconds: float = 0.4) -> list[Segment]:
    """Return one segment whose words last so long each."""
    words = tuple(
        Word(word, round(n * word_seconds, 3), round((n + 1) * word_seconds, 3))
        for n, word in enumerate(text.split())
    )
    return [Segment(text, 0.0, len(words) * word_seconds, words=words)]


def heard(segments: list[Segment], *, is_sure: bool = False) -> Heard:
    answer = Transcription(AnsweredBy("whisper"), 1.0, ("en",), segments)
    return Heard(answer, is_sure=is_sure, is_whole=False)


def sound(*stretches: tuple[float, float]) -> Cut:
    """Return audio that is loud in some stretches of milliseconds, else silent, at one sample per millisecond."""
    whole = bytearray(2 * 60_000)
    for start, end in stretches:
        whole[2 * int(start) : 2 * int(end)] = (4000).to_bytes(2, "little") * int(end - start)
    return lambda start, end: bytes(whole[2 * int(start) : 2 * int(end)])


def looks(speech: LiveSpeech, cut: Cut, end_ms: int, *, finds: Heard | None = None) -> list[int]:
    """Return the times at which speech is looked at, of which ``finds`` is heard each time."""
    times = []
    for ms in range(32, end_ms, 32):
        speech.listen(ms, cut)
        if speech.is_due(ms):
            times.append(ms)
            list(speech.hear(finds, ms))
    return times


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
        ("See you tomorrow", "Seen you tomorrow. At nine.", ". At nine."),
        ("See you tomorrow", "See, you tomorrow.", "."),
        ("See you,", "Seen you, too.", " too."),
    ],
)
def test_sent_text_is_continued(sent: str, text: str, more: str) -> None:
    live = LiveText()
    assert live.more(sent) == sent
    assert live.continued(text) == sent + more
    assert live.more(text) == more
    assert live.sent == sent + more


def test_words_of_known_speech_are_due_a_lag_after_their_end() -> None:
    speech = LiveSpeech(1000.0, LAG)
    dues = list(speech.hear(heard(said("Hello, it is."), is_sure=True), 2200.0))
    assert dues == [Due(100.0, "Hello"), Due(500.0, "Hello, it"), Due(900.0, "Hello, it is")]


def test_words_whose_time_has_passed_are_due_at_once() -> None:
    speech = LiveSpeech(0.0, LAG)
    assert [due.delay_ms for due in speech.hear(heard(said("One two."), is_sure=True), 5000.0)] == [0.0, 0.0]


def test_of_an_engine_the_last_words_are_not_believed() -> None:
    speech = LiveSpeech(0.0, LAG)
    speech.listen(2000.0, sound((0, 2000)))
    assert texts(list(speech.hear(heard(said("What was the weath")), 2000.0))) == ["What", "What was"]
    assert list(speech.hear(heard(said("What was")), 2000.0)) == []


def test_at_a_pause_an_engine_is_believed() -> None:
    speech = LiveSpeech(0.0, LAG)
    speech.listen(1300.0, sound((0, 1000)))
    assert texts(list(speech.hear(heard(said("What was")), 1300.0))) == ["What", "What was"]


def test_known_speech_is_looked_for_regularly() -> None:
    seen = looks(LiveSpeech(500.0, LAG), sound((0, 6000)), 6000, finds=heard(said("x"), is_sure=True))
    assert seen == [1152, 1952, 2752, 3552, 4352, 5152, 5952]


def test_a_short_delay_has_more_looks() -> None:
    assert looks(LiveSpeech(0.0, 150.0), sound((0, 3000)), 1800) == [576, 896, 1216, 1536]


def test_unknown_speech_is_looked_at_more_and_more_rarely() -> None:
    seen = looks(LiveSpeech(0.0, LAG), sound((0, 60_000)), 60_000)
    assert seen[:5] == [672, 1472, 2272, 4544, 9088]
    assert {later - earlier for earlier, later in itertools.pairwise(seen[5:])} == {8000}


def test_unknown_speech_is_looked_at_in_pauses_first() -> None:
    speech = LiveSpeech(0.0, LAG)
    seen = looks(speech, sound(*((start, start + 1700) for start in range(0, 60_000, 2000))), 40_000)
    assert all(ms % 2000 >= 1700 + 256 for ms in seen[3:])
    assert all(4000 <= later - earlier <= 6000 for earlier, later in itertools.pairwise(seen[5:]))


def test_silence_is_not_looked_at() -> None:
    speech = LiveSpeech(0.0, LAG)
    assert looks(speech, sound(), 30_000) == []
    assert looks(LiveSpeech(0.0, LAG), sound((20_000, 30_000)), 22_000) == [20_384, 21_184, 21_984]


def test_silence_after_speech_is_not_looked_at_again() -> None:
    speech = LiveSpeech(0.0, LAG)
    seen = looks(speech, sound((0, 1000), (30_000, 32_000)), 50_000)
    assert [ms for ms in seen if 2_000 < ms < 30_300] == []
    assert 30_300 < next(ms for ms in seen if ms > 2_000) < 31_000


def test_after_known_speech_an_engine_is_not_asked_at_once() -> None:
    speech = LiveSpeech(0.0, LAG)
    speech.listen(5000.0, sound((0, 5000)))
    list(speech.hear(heard(said("known"), is_sure=True), 5000.0))
    assert [speech.is_unknown(ms) for ms in (5800.0, 6600.0)] == [False, True]


def test_an_engine_is_not_asked_before_speech_would_be_known() -> None:
    speech = LiveSpeech(0.0, LAG)
    speech.listen(5000.0, sound((3000, 5000)))
    assert speech.from_ms == pytest.approx(2700, abs=32)
    assert [speech.is_unknown(ms) for ms in (4000.0, 4400.0)] == [False, True]


def test_of_long_known_speech_only_what_follows_the_last_gap_is_transcribed_again() -> None:
    speech = LiveSpeech(0.0, LAG)
    words = (Word("four", 13.0, 14.0), Word("five", 14.0, 15.5))
    segments = [*said("One two, three."), Segment("four five", 13.0, 15.5, words=words)]
    list(speech.hear(heard(segments, is_sure=True), 15_900.0))
    assert speech.from_ms == 7_100.0  # between 1.2 and 13 seconds
    dues = list(speech.hear(heard(said("four"), is_sure=True), 16_700.0))
    assert texts(dues) == ["One two, three. four"]
    assert speech.before is not None
    assert speech.before.segments == (Segment("One two, three.", 0.0, 7.1),)


def test_of_long_speech_only_what_follows_a_pause_is_transcribed_again() -> None:
    speech = LiveSpeech(1000.0, LAG)
    speech.listen(10_300.0, sound((1000, 10_000)))
    list(speech.hear(heard(said("One two.")), 10_300.0))
    assert speech.from_ms == 10_172.0  # in the pause
    segments = (Segment("One two.", 0.0, 9.172),)
    assert speech.before == Transcription(AnsweredBy("whisper"), 9.172, ("en",), segments)


def test_speech_without_a_pause_is_cut_in_the_end() -> None:
    speech = LiveSpeech(0.0, LAG)
    speech.listen(30_500.0, sound((0, 30_500)))
    text = " ".join(f"w{n}" for n in range(50))  # 20 seconds
    list(speech.hear(heard(said(text)), 20_500.0))
    assert speech.from_ms == 0.0
    list(speech.hear(heard(said(text)), 30_500.0))
    assert speech.from_ms == 19_200.0  # but for the last two words


def test_audio_that_nobody_understands_is_not_transcribed_again_and_again() -> None:
    speech = LiveSpeech(0.0, LAG)
    assert list(speech.hear(None, 25_500.0)) == []
    assert speech.from_ms == 24_500.0


def test_words_without_times_get_some() -> None:
    speech = LiveSpeech(0.0, 0.0)
    dues = list(speech.hear(heard([Segment("ab cd", 0.0, 2.0)], is_sure=True), 2000.0))
    assert dues == [Due(0.0, "ab"), Due(0.0, "ab cd")]
