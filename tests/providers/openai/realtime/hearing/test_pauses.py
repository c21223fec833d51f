"""Pauses of speech: where it is much softer than it was, for a quarter of a second."""

from __future__ import annotations

import pytest

from mockserver.providers.openai.realtime.hearing.pauses import Pauses


def window(level: int) -> bytes:
    """Return 32 ms at 24 kHz, with samples of one level in turn above and below 0."""
    return (level.to_bytes(2, "little", signed=True) + (-level).to_bytes(2, "little", signed=True)) * 384


def heard(*levels: int) -> Pauses:
    pauses = Pauses()
    for level in levels:
        pauses.listen(window(level))
    return pauses


@pytest.mark.parametrize(
    ("levels", "is_pause"),
    [
        ([0] * 20, False),
        ([3000] * 20, False),
        ([3000] + [0] * 7, False),
        ([3000] + [0] * 8, True),
        ([3000] + [140] * 8, True),
        ([3000] + [160] * 8, False),
        ([100] + [29] * 8, True),
        ([3000] * 5 + [0] * 7 + [3000], False),
        ([32767] + [1000] * 8, True),
        ([32767] + [1000] * 300, False),  # a knock is forgotten after ten seconds
    ],
)
def test_a_pause_is_much_softer_than_the_speech_before(levels: list[int], is_pause: bool) -> None:
    assert heard(*levels).is_pause == is_pause


def test_silence_lasts_until_something_is_heard() -> None:
    assert heard(0, 29, 0).is_silence
    assert not heard(0, 31, 0, 0).is_silence
    assert Pauses().is_silence


def test_an_empty_window_is_silent() -> None:
    pauses = Pauses()
    pauses.listen(b"")
    assert pauses.is_quiet
    assert pauses.is_silence
