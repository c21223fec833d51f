"""``server_vad``: times on the grid of 32 ms, padding, silence, idle timeout."""

from __future__ import annotations

import pytest

from mockserver.engines.turn_detection.server_vad import ServerVad
from mockserver.engines.turn_detection.turns import SpeechStarted, SpeechStopped, TimedOut, Window, in_windows
from tests.engines.turn_detection.streams import SILENCE, SPEECH, turns, windows

BETWEEN = 0.4  # speech goes on, but does not begin


def test_a_turn_begins_some_padding_before_its_first_window() -> None:
    found = turns(ServerVad(), windows((55, SILENCE), (71, SPEECH), (20, SILENCE)))
    # As in a recording: speech from 1760 ms, 300 ms of padding.
    assert found == [SpeechStarted(1460), SpeechStopped((55 + 71 + 7) * 32)]
    assert found[1].at_ms == 4256


@pytest.mark.parametrize(("silence_ms", "silent"), [(0, 1), (1, 1), (32, 1), (200, 7), (500, 16)])
def test_it_ends_with_the_window_that_completes_the_silence(silence_ms: int, silent: int) -> None:
    heard = windows((10, SILENCE), (10, SPEECH), (30, SILENCE))
    assert turns(ServerVad(silence_duration_ms=silence_ms), heard)[1] == SpeechStopped((20 + silent) * 32)


def test_padding_ends_at_the_begin_of_the_audio_and_at_the_turn_before() -> None:
    heard = windows((2, SILENCE), (5, SPEECH), (9, SILENCE), (5, SPEECH), (9, SILENCE))
    first, stop, second, _ = turns(ServerVad(), heard)
    assert (first.at_ms, stop.at_ms) == (0, 14 * 32)
    assert second == SpeechStarted(stop.at_ms)


def test_short_silence_does_not_end_a_turn() -> None:
    heard = windows(
        (5, SILENCE), (3, SPEECH), (6, SILENCE), (1, SPEECH), (6, SILENCE), (1, SPEECH), (7, SILENCE)
    )
    assert [type(turn) for turn in turns(ServerVad(), heard)] == [SpeechStarted, SpeechStopped]


def test_weaker_speech_goes_on_but_does_not_begin() -> None:
    assert turns(ServerVad(), windows((30, BETWEEN))) == []
    heard = windows((1, SPEECH), (30, BETWEEN), (7, SILENCE))
    assert turns(ServerVad(), heard)[1] == SpeechStopped(38 * 32)
    assert turns(ServerVad(threshold=0.95), windows((30, SPEECH))) == []


def test_after_a_commit_by_the_client_a_turn_begins_anew() -> None:
    vad, heard = ServerVad(), windows((5, SILENCE), (20, SPEECH))
    assert len([vad.hear(next(heard)) for _ in range(10)]) == 10
    assert vad.is_speaking
    vad.cut(315.5)
    assert not vad.is_speaking
    assert turns(vad, heard) == [SpeechStarted(316)]


def test_options_change_while_someone_speaks() -> None:
    vad, heard = ServerVad(silence_duration_ms=500), windows((5, SPEECH), (16, SILENCE))
    assert [vad.hear(next(heard)) for _ in range(8)].count(None) == 7
    vad.change(threshold=0.5, prefix_padding_ms=0, silence_duration_ms=200, idle_timeout_ms=None)
    assert turns(vad, heard) == [SpeechStopped(12 * 32)]


def test_the_idle_timeout_is_counted_from_the_end_of_a_reply() -> None:
    vad = ServerVad(idle_timeout_ms=6000)
    vad.wait_from(13_190)
    # As documented: 13216 to 19232, both on the grid.
    assert turns(vad, windows((800, SILENCE))) == [TimedOut(13_216, 19_232)]


def test_the_idle_timeout_comes_once_and_not_before_a_reply() -> None:
    vad = ServerVad(idle_timeout_ms=5000)
    assert turns(vad, windows((600, SILENCE))) == []
    vad.wait_from(0)
    assert turns(vad, windows((600, SILENCE))) == [TimedOut(0, 157 * 32)]


@pytest.mark.parametrize("ends", ["speech", "response", "off"])
def test_the_idle_timeout_ends(ends: str) -> None:
    vad = ServerVad(idle_timeout_ms=5000)
    vad.wait_from(0)
    heard = list(windows((100, SILENCE)))
    assert turns(vad, iter(heard)) == []
    if ends == "speech":
        vad.hear(Window(101 * 32, SPEECH))
    elif ends == "response":
        vad.wait_from(None)
    else:
        vad.change(threshold=0.5, prefix_padding_ms=300, silence_duration_ms=200, idle_timeout_ms=None)
    later = [Window(32 * number, SILENCE) for number in range(102, 400)]
    assert not [turn for turn in turns(vad, iter(later)) if isinstance(turn, TimedOut)]


def test_milliseconds_in_whole_windows() -> None:
    assert [in_windows(ms) for ms in (0, 0.5, 32, 33, 199.9, 200)] == [0, 1, 1, 2, 7, 7]
