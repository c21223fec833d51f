"""Speech that goes on: the words that are understood so far, and when a model that streams sends each."""

from __future__ import annotations

import itertools
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from mockserver.engines.derive import with_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mockserver.engines.transcription import Segment

_MARKS = "\"'“”„«»()[]{}.,;:!?…—–-¿¡。，！？、；："

# The time between two attempts to understand what is said is the lag, but 10 windows at least, 25 at most.
_SHORTEST_LOOK_MS, _LONGEST_LOOK_MS = 320.0, 800.0
_FIRST_MS = 550.0  # the first word, with the padding before it
_UNSURE_MS = 300.0  # at the end of the audio: a word there may go on
_LONGEST_MS = 15_000.0  # of audio that is transcribed at a time
_OVERLAP_MS = 1_000.0  # that is transcribed again, if nothing was understood


class LiveText:
    """The text of an item as far as it was sent: it can be continued, but not taken back."""

    def __init__(self) -> None:
        self.sent = ""

    def more(self, text: str) -> str:
        """Return what continues the sent text to ``text``, and note that it is sent.

        If ``text`` begins with other words, because more was understood since, what follows the words that were sent is
        returned.
        """
        if self.sent.startswith(text):
            return ""
        more = text[len(self.sent) :] if text.startswith(self.sent) else _after(self.sent, text)
        self.sent += more
        return more


class Due(NamedTuple):
    """The text that is to be sent ``delay_ms`` from now."""

    delay_ms: float
    text: str


class LiveSpeech:
    """Speech that began at ``start_ms`` and goes on. A word is sent ``lag_ms`` after its end.

    What an engine hears of unfinished speech is believed once it has heard the same words twice.
    """

    def __init__(self, start_ms: float, lag_ms: float) -> None:
        self.from_ms = start_ms  # of the audio that is to be transcribed; what was said before is known
        self._lag_ms = lag_ms
        self._before = ""
        self._heard: list[str] = []
        self._first_ms: float | None = None  # of the first look; 0 once an engine has heard
        self._look_ms = min(max(_SHORTEST_LOOK_MS, lag_ms), _LONGEST_LOOK_MS)
        self._next_ms = start_ms + _FIRST_MS + max(lag_ms - self._look_ms, 0.0)

    def is_due(self, end_ms: float) -> bool:
        """Return whether it is time to transcribe the audio from ``from_ms`` to ``end_ms``."""
        if end_ms < self._next_ms:
            return False
        self._next_ms = end_ms + self._look_ms
        return True

    def unheard(self, end_ms: float) -> tuple[float, ...]:
        """Return the times up to which an engine has to hear now: none at first, which is made up for next time."""
        if self._first_ms is None:
            self._first_ms = end_ms
            return ()
        first, self._first_ms = self._first_ms, 0.0
        return (first, end_ms) if first else (end_ms,)

    def hear(self, segments: Iterable[Segment], end_ms: float, *, is_sure: bool) -> Iterator[Due]:
        """Yield the texts to send, each a word longer, from the transcription up to ``end_ms``.

        ``is_sure``: the words are those of known speech.
        """
        words = list(_words(segments))
        bare = _bare(word.text for word in words)
        same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(bare, self._heard, strict=False))
        believed = words if is_sure else words[: sum(1 for _ in same)]
        self._heard = bare
        said, end = "", 0.0
        for word in believed:
            past_ms = end_ms - self.from_ms - word.end * 1000
            if past_ms < (0.0 if is_sure else _UNSURE_MS):
                break
            said, end = word.said, word.end
            yield Due(max(self._lag_ms - past_ms, 0.0), self._joined(said))
        if end_ms - self.from_ms > _LONGEST_MS:
            self._go_on(said, end, end_ms)

    def _go_on(self, said: str, end: float, end_ms: float) -> None:
        """Transcribe the rest only, after the last words that were understood."""
        self._before, self._heard = self._joined(said), []
        self.from_ms = self.from_ms + end * 1000 if said else end_ms - _OVERLAP_MS

    def _joined(self, said: str) -> str:
        return " ".join(filter(None, (self._before, said)))


class _Said(NamedTuple):
    """A word, all text up to it, and when it ended, in seconds.

    ``said`` is without the marks after the word: they depend on what follows.
    """

    text: str
    said: str
    end: float


def _words(segments: Iterable[Segment]) -> Iterator[_Said]:
    before = ""
    for segment in map(with_words, segments):
        at = 0
        for word in segment.words or ():
            found = segment.text.find(word.text.strip(), at)
            at = found + len(word.text.strip()) if found >= 0 else at
            said = f"{before} {segment.text[:at]}".strip()
            yield _Said(word.text, said.rstrip(_MARKS + " "), word.end)
        before = f"{before} {segment.text}".strip()


def _after(sent: str, text: str) -> str:
    """Return the words of ``text`` that follow those that match the end of ``sent``, with a space before them."""
    before, words = sent.split(), text.split()
    matcher = SequenceMatcher(None, _bare(before), _bare(words), autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    matched, at = (blocks[-1].a + blocks[-1].size, blocks[-1].b + blocks[-1].size) if blocks else (0, 0)
    rest = words[at + len(before) - matched :]  # one word for each that is understood otherwise now
    return " " + " ".join(rest) if rest else ""


def _bare(words: Iterable[str]) -> list[str]:
    return [word.strip(_MARKS).lower() for word in words]
