import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from mockserver.audio.samples import Samples

RATE = 16_000


class Source:
    """A sound of some seconds whose samples count up, made in pieces of 0.1 s; keeps weak references to the pieces."""

    def __init__(self, seconds: int) -> None:
        self.numbers = np.arange(seconds * RATE, dtype=np.float32)
        self.begun = 0
        self.made: list[weakref.ref[NDArray[np.float32]]] = []

    def pieces(self) -> Iterator[NDArray[np.float32]]:
        self.begun += 1
        for piece in np.split(self.numbers, len(self.numbers) // 1_600):
            copy = piece.copy()
            self.made.append(weakref.ref(copy))
            yield copy

    @property
    def kept(self) -> int:
        """Return how many of the pieces are still referenced."""
        return sum(piece() is not None for piece in self.made)


@pytest.mark.parametrize(("begin", "end"), [(0, 1), (0, 48_000), (1_599, 1_601), (17_000, 31_000), (5, 5)])
def test_a_stretch_is_what_was_asked_for(begin: int, end: int) -> None:
    source = Source(3)
    assert np.array_equal(Samples(source.pieces).stretch(begin, end), source.numbers[begin:end])


def test_it_is_shorter_where_the_sound_ends() -> None:
    samples = Samples(Source(1).pieces)
    assert len(samples.stretch(15_000, 99_000)) == 1_000
    assert samples.made == RATE
    assert len(samples.stretch(99_000, 100_000)) == 0


def test_no_more_is_made_than_was_asked_for() -> None:
    source = Source(60)
    samples = Samples(source.pieces)
    samples.stretch(0, RATE)
    assert (len(source.made), samples.made) == (10, RATE)


def test_what_lies_far_behind_is_forgotten() -> None:
    source = Source(120)
    samples = Samples(source.pieces)
    for second in range(119):
        samples.stretch(second * RATE, (second + 2) * RATE)
        assert source.kept <= 80  # pieces of 0.1 s each


def test_a_stretch_far_ahead_holds_nothing_of_what_lies_before_it() -> None:
    source = Source(120)
    assert samples_at(Samples(source.pieces), 110) == 110 * RATE
    assert source.kept <= 80


def test_going_back_starts_again() -> None:
    source = Source(120)
    samples = Samples(source.pieces)
    assert samples_at(samples, 100) == 100 * RATE
    assert samples_at(samples, 98) == 98 * RATE, "a little is kept"
    assert source.begun == 1
    assert samples_at(samples, 3) == 3 * RATE
    assert source.begun == 2


def samples_at(samples: Samples, second: int) -> float:
    """Return the first sample of a second."""
    return float(samples.stretch(second * RATE, (second + 1) * RATE)[0])
