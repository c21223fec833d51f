from mockserver.engines.espeak.words import WordTimes
from mockserver.engines.speech import SpokenWord


def test_a_word_ends_where_the_next_begins_and_keeps_its_punctuation() -> None:
    times = WordTimes("Hello, world!")

    assert times.begin(0, 0.0) == ()
    assert times.begin(7, 0.5) == (SpokenWord("Hello,", 0.0, 0.5),)
    assert times.finish(1.25) == (SpokenWord("world!", 0.5, 1.25),)


def test_words_spoken_as_one_share_the_time_by_their_letters() -> None:
    times = WordTimes("one of the")

    times.begin(0, 0.0)
    assert times.begin(4, 1.0) == (SpokenWord("one", 0.0, 1.0),)
    assert times.finish(2.0) == (SpokenWord("of", 1.0, 1.4), SpokenWord("the", 1.4, 2.0))


def test_words_before_the_first_event_share_with_the_first_that_has_one() -> None:
    times = WordTimes("— yes")

    times.begin(2, 0.0)
    assert [word.text for word in times.finish(1.0)] == ["—", "yes"]


def test_the_first_of_several_events_of_a_word_counts() -> None:
    times = WordTimes("$5.20 now")

    times.begin(0, 0.0)
    assert times.begin(2, 0.4) == ()
    assert times.begin(1, 0.6) == ()
    assert times.begin(6, 1.0) == (SpokenWord("$5.20", 0.0, 1.0),)


def test_a_text_without_any_event_still_has_its_words() -> None:
    assert [word.text for word in WordTimes("... ?!").finish(0.2)] == ["...", "?!"]


def test_a_blank_text_has_no_words() -> None:
    assert WordTimes(" \n").finish(0.2) == ()
