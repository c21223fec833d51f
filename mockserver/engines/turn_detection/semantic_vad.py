"""``semantic_vad``: a turn ends sooner when what was said is complete.

How the real one decides is not documented, apart from its longest waits. This one waits, after the shortest silence, in
proportion to how unfinished the words sound.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, NamedTuple

from mockserver.engines.derive import ends_sentence
from mockserver.engines.turn_detection.hearing import TurnDetector
from mockserver.engines.turn_detection.turns import in_windows

if TYPE_CHECKING:
    from mockserver.engines.turn_detection.turns import Turn, Window

Eagerness = Literal["low", "medium", "high", "auto"]


class Wait(NamedTuple):
    """The silence that ends a turn, in milliseconds: after a complete sentence, and at most."""

    shortest: int
    longest: int


# The longest ones are documented (guide Realtime, voice activity detection), the shortest ones assumed.
WAITS: dict[Eagerness, Wait] = {
    "low": Wait(800, 8_000),
    "medium": Wait(400, 4_000),
    "auto": Wait(400, 4_000),
    "high": Wait(200, 2_000),
}
_THRESHOLD, _PADDING_MS = 0.5, 300  # those of server_vad

# Words after which a speaker goes on: English, German, French, Spanish.
_GOES_ON = """
    a an and as at because but by er erm for from hmm if in is like my of or so than that the then to uh um was well
    with your aber dass der die das ein eine mit oder und weil wenn äh ähm zu alors avec car de donc du et euh la le les
    mais ou parce pour que un une como con del el este los o para pero por porque y
"""
_GOES_ON_AFTER = ("…", "...", ",", ";", ":", "-", "–", "—", "、")
_GOES_ON_WORDS = frozenset(_GOES_ON.split())


class Said(NamedTuple):
    """What was said in a turn so far. ``is_whole`` if it is known speech up to its end."""

    text: str
    is_whole: bool = False


class SemanticVad(TurnDetector):
    """A detector of turns by silence and words.

    ``said`` is called in each pause, once, with the begin of the turn and the time, in milliseconds.
    """

    def __init__(self, *, eagerness: Eagerness = "auto", said: Callable[[int, int], Said]) -> None:
        super().__init__()
        self._hearing.change(_THRESHOLD, _PADDING_MS)
        self._said = said
        self._silent_windows: int | None = None  # that end the turn, in this pause
        self.change(eagerness=eagerness)

    def change(self, *, eagerness: Eagerness) -> None:
        """Continue with another eagerness."""
        self._wait = WAITS[eagerness]
        self._silent_windows = None

    def hear(self, window: Window) -> Turn | None:
        """Return what has happened at the end of a window, if anything has."""
        hearing = self._hearing
        started = hearing.hear(window)
        if not hearing.is_speaking or hearing.silent_windows < in_windows(self._wait.shortest):
            self._silent_windows = None
            return started
        if self._silent_windows is None:
            self._silent_windows = in_windows(self._wait_ms(window.end_ms))
        return hearing.stop(window) if hearing.silent_windows >= self._silent_windows else None

    def _wait_ms(self, now_ms: int) -> float:
        """Return the silence that ends the turn in this pause."""
        assert self._hearing.started_ms is not None
        unfinished = 1 - completeness(self._said(self._hearing.started_ms, now_ms))
        return self._wait.shortest + unfinished * (self._wait.longest - self._wait.shortest)


def completeness(said: Said) -> float:
    """Return how complete words sound: 1 after a sentence, 0 in the middle of one, 0.5 if that is not known."""
    last = said.text.rpartition(" ")[2]
    if said.is_whole:
        return 1.0
    if not last or last.endswith(_GOES_ON_AFTER) or last.casefold() in _GOES_ON_WORDS:
        return 0.0
    return 1.0 if ends_sentence(last) else 0.5
