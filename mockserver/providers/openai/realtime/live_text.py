"""Speech that goes on: the words that are understood so far, and when a model that streams sends each."""

from __future__ import annotations

import itertools
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from mockserver.engines.derive import with_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mockserver.engines.transcription import Segment

_MARKS = "\"'“”„«»()[]{}.,;:!?…—–-¿¡。，！？、；："

# The time between two attempts to understand what is said is the lag, but 10 windows at least, 25 at most.
_SHORTEST_LOOK_MS, _LONGEST_LOOK_MS = 320.0, 800.0
_FIRST_MS = 550.0  # the first word, with the padding before it
_UNSURE_MS = 300.0  # at the end of the audio: a word there may go on
_LONGEST_MS = 15_000.0  # of audio that is transcribed at a time; half of Whisper's window
_LONGEST_KNOWN_MS = 5_000.0  # the same for known speech
_OVERLAP_MS = 1_000.0  # that is transcribed again, if nothing was said
_PAUSE = 0.2  # seconds between words


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
        self._first_ms: float | None = (
            None  # of the first look at what is not known; 0 once an engine has heard
        )
        self._look_ms = min(max(_SHORTEST_LOOK_MS, lag_ms), _LONGEST_LOOK_MS)
        self._next_ms = start_ms + _FIRST_MS + max(lag_ms - self._look_ms, 0.0)

    def is_due(self, end_ms: float) -> bool:
        """Return whether it is time to transcribe the audio from ``from_ms`` to ``end_ms``."""
        if end_ms < self._next_ms:
            return False
        self._next_ms = end_ms + self._look_ms
        return True

    def unheard(self, end_ms: float) -> tuple[float, ...]:
        """Return the times up to which an engine has to hear what is not known.

        There are none the first time, because more of it may be known; the next time makes up for it.
        """
        if self._first_ms is None:
            self._first_ms = end_ms
            return ()
        first, self._first_ms = self._first_ms, 0.0
        return (first, end_ms) if first else (end_ms,)

    def hear(self, segments: Iterable[Segment], end_ms: float, *, is_sure: bool) -> Iterator[Due]:
        """Yield the texts to send, each a word longer, from the transcription up to ``end_ms``.

        ``is_sure``: the words are those of known speech.
        """
        if is_sure:
            self._first_ms = None
        words = list(_words(segments))
        bare = _bare(word.text for word in words)
        same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(bare, self._heard, strict=False))
        believed = words if is_sure else words[: sum(1 for _ in same)]
        self._heard = bare
        over_ms = 0.0 if is_sure else _UNSURE_MS
        past = [word for word in believed if end_ms - self.from_ms - word.end * 1000 >= over_ms]
        for word in past:
            past_ms = end_ms - self.from_ms - word.end * 1000
            yield Due(max(self._lag_ms - past_ms, 0.0), self._joined(word.said.rstrip(_MARKS + " ")))
        if end_ms - self.from_ms > (_LONGEST_KNOWN_MS if is_sure else _LONGEST_MS):
            self._go_on(past, end_ms, is_silence=not words)

    def _go_on(self, words: Sequence[_Said], end_ms: float, *, is_silence: bool) -> None:
        """Transcribe only what follows the last pause from now on. Without a pause, wait for one, but not for long."""
        pauses = [pair for pair in itertools.pairwise(words) if pair[1].start - pair[0].end >= _PAUSE]
        if pauses:
            word, following = pauses[-1]
            self._cut(word.said, (word.end + following.start) / 2)
        elif is_silence:
            self.from_ms = end_ms - _OVERLAP_MS
        elif words and end_ms - self.from_ms > 2 * _LONGEST_MS:
            self._cut(words[-1].said, words[-1].end)

    def _cut(self, said: str, seconds: float) -> None:
        self._before, self._heard = self._joined(said), []
        self.from_ms += 1000 * seconds

    def _joined(self, said: str) -> str:
        return " ".join(filter(None, (self._before, said)))


class _Said(NamedTuple):
    """A word, all text up to it, and when it began and ended, in seconds."""

    text: str
    said: str
    start: float
    end: float


def _words(segments: Iterable[Segment]) -> Iterator[_Said]:
    before = ""
    for segment in map(with_words, segments):
        at = 0
        for word in segment.words or ():
            found = segment.text.find(word.text.strip(), at)
            at = found + len(word.text.strip()) if found >= 0 else at
            said = f"{before} {segment.text[:at]}".strip()
            yield _Said(word.text, said, word.start, word.end)
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
