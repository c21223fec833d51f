"""How much of a reply was played and heard."""

from __future__ import annotations

import pytest

from mockserver.caller.playback import Playback, words_heard


def test_sound_that_comes_early_is_played_in_its_time() -> None:
    sound = Playback("item", 0)
    for now in (1000, 1050, 1100):
        sound.add(250, now, sound.end_ms)
    assert (sound.start_ms, sound.end_ms, sound.length_ms) == (1000, 1750, 750)
    assert [sound.played_ms(now) for now in (900, 1000, 1340, 1750, 5000)] == [0, 0, 340, 750, 750]


def test_a_pause_in_which_nothing_came_is_not_played() -> None:
    sound = Playback("item", 0)
    sound.add(250, 1000, 0)
    sound.add(250, 2000, sound.end_ms)
    assert (sound.end_ms, sound.played_ms(2250)) == (2250, 500)


def test_a_reply_waits_for_the_end_of_the_one_before() -> None:
    sound = Playback("item", 0)
    sound.add(250, 1000, 1500)
    assert sound.start_ms == 1500
    sound.cut(1400)
    assert (sound.length_ms, sound.end_ms) == (0, 1500)


@pytest.mark.parametrize(
    ("played", "length", "heard"),
    [
        (0, 1000, ""),
        (1000, 1000, "one two three four"),
        (400, 1000, "one two"),
        (390, 1000, "one two"),
        (300, 1000, "one"),
        (1000, None, "one two"),
        (0, None, ""),
    ],
)
def test_the_words_heard_are_their_share_of_the_time(played: float, length: float | None, heard: str) -> None:
    assert words_heard("one two three four", played, length) == heard
