import threading

import pytest

from mockserver.engines.transcription import EngineBusy
from mockserver.engines.whisper.turns import Turn, Turns
from tests.waiting import eventually


class Clip(threading.Thread):
    """A clip of ``windows`` windows of 30 s; appends its name to ``heard`` for each turn that it gets."""

    def __init__(self, turns: Turns, heard: list[str], name: str, windows: int) -> None:
        super().__init__(daemon=True)
        self.turn = turns.admit()
        self._turns, self._heard, self._label, self._windows = turns, heard, name, windows

    def run(self) -> None:
        for left in range(self._windows, 0, -1):
            if not self._turns.take(self.turn, left * 30):
                break
            self._heard.append(self._label)
        self._turns.leave(self.turn)


def busy(turns: Turns) -> Turn:
    """Return a clip that has the turn until it leaves."""
    turn = turns.admit()
    assert turns.take(turn, 30.0)
    return turn


def start(turns: Turns, *clips: Clip) -> None:
    """Start the clips one after the other; each waits for its turn."""
    for clip in clips:
        clip.start()
        assert eventually(lambda turn=clip.turn: turn in turns._waiting)  # type: ignore[misc]


def hear(turns: Turns, *clips: Clip, after: Turn) -> None:
    """Start the clips, end the turn of ``after``, and wait until all clips are done."""
    start(turns, *clips)
    turns.leave(after)
    for clip in clips:
        clip.join()


def test_a_clip_alone_has_every_turn() -> None:
    turns, heard = Turns(1, 1, 1e9), list[str]()
    hear(turns, Clip(turns, heard, "a", 4), after=busy(turns))
    assert heard == ["a"] * 4


def test_a_short_clip_comes_between_two_windows_of_a_long_one() -> None:
    turns, heard = Turns(1, 9, 1e9), list[str]()
    hear(turns, Clip(turns, heard, "long", 5), Clip(turns, heard, "short", 1), after=busy(turns))
    assert "short" in heard[:2]
    assert heard.count("long") == 5


def test_a_long_clip_has_every_second_turn_however_many_short_ones_come() -> None:
    turns, heard = Turns(1, 99, 1e9), list[str]()
    short = [Clip(turns, heard, "short", 1) for _ in range(20)]
    before = busy(turns)
    long = Clip(turns, heard, "long", 10)
    turns._clips.remove(long.turn)
    turns._clips.insert(0, long.turn)  # it arrived first
    hear(turns, *short, long, after=before)
    assert heard[:20].count("long") == 10


def test_of_clips_of_one_length_the_first_is_transcribed_first() -> None:
    turns, heard = Turns(1, 9, 1e9), list[str]()
    hear(turns, *(Clip(turns, heard, name, 4) for name in "abc"), after=busy(turns))
    assert heard == list("aaaabbbbcccc")


def test_as_many_are_at_work_as_there_are_workers() -> None:
    turns, heard = Turns(2, 9, 1e9), list[str]()
    one, other = busy(turns), busy(turns)
    third = Clip(turns, heard, "third", 1)
    start(turns, third)
    assert heard == []
    turns.end(one)
    third.join()
    assert heard == ["third"]
    turns.leave(other)


def test_the_number_of_waiting_clips_is_bounded() -> None:
    turns = Turns(1, 2, 1e9)
    places = [turns.admit() for _ in range(3)]
    with pytest.raises(EngineBusy, match="too many transcriptions are waiting for Whisper"):
        turns.admit()
    turns.leave(places[1])
    turns.admit()


def test_the_seconds_of_waiting_audio_are_bounded() -> None:
    turns = Turns(1, 9, 100.0)
    first = turns.admit()
    turns.expect(first, 70.0)
    second = turns.admit()
    with pytest.raises(EngineBusy, match="70 seconds of audio are waiting for Whisper already"):
        turns.expect(second, 31.0)
    turns.expect(second, 30.0)


def test_a_clip_that_is_partly_transcribed_makes_room() -> None:
    turns = Turns(1, 9, 100.0)
    first, second = turns.admit(), turns.admit()
    turns.expect(first, 90.0)
    with pytest.raises(EngineBusy):
        turns.expect(second, 40.0)
    turns.take(first, 60.0)
    turns.expect(second, 40.0)
    assert second.left == 40.0


def test_a_clip_that_is_longer_than_may_wait_is_taken_when_there_is_no_other() -> None:
    turns = Turns(1, 9, 100.0)
    turns.expect(turns.admit(), 14_400.0)
    with pytest.raises(EngineBusy):
        turns.expect(turns.admit(), 1.0)


def test_a_clip_that_is_dropped_while_it_waits_waits_no_longer() -> None:
    turns, heard = Turns(1, 9, 1e9), list[str]()
    before = busy(turns)
    clip = Clip(turns, heard, "clip", 5)
    start(turns, clip)
    turns.drop(clip.turn)
    clip.join()
    assert heard == []
    turns.leave(before)


def test_a_clip_that_is_dropped_at_work_keeps_its_worker_until_the_window_ends() -> None:
    turns, heard = Turns(1, 9, 1e9), list[str]()
    at_work = busy(turns)
    following = Clip(turns, heard, "following", 1)
    start(turns, following)
    turns.drop(at_work)
    assert heard == []
    assert not turns.take(at_work, 30.0)
    following.join()
    assert heard == ["following"]
