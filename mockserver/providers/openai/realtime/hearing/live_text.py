"""Speech that goes on: when it is transcribed, the words that are understood so far, and when each is sent."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from mockserver.engines.derive import with_words
from mockserver.engines.transcription import Segment, Transcription
from mockserver.engines.turn_detection.turns import WINDOW_MS
from mockserver.providers.openai.realtime.hearing.pauses import PAUSE_MS, Pauses

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from mockserver.providers.openai.realtime.hearing.listening import Heard

Cut = Callable[[float, float], bytes]
"""Returns the samples of a stretch of audio, s16le mono, by its times in milliseconds."""

_MARKS = "\"'“”„«»()[]{}.,;:!?…—–-¿¡。，！？、；："

# Known speech is looked for each lag, but not more often than each 10 windows, nor less often than each 25.
_SHORTEST_LOOK_MS, _LONGEST_LOOK_MS = 320.0, 800.0
_PADDING_MS = 300.0  # before the first sound
_FIRST_MS = 550.0  # the first word, with the padding
# What is not known after some time is heard by an engine, which takes the same time for a second as for half a minute.
# So it is asked more and more rarely: at a pause when a part of the speech so far has passed since, else after two.
_UNKNOWN_MS = 1_500.0
_PART, _LONGEST_PART_MS = 0.5, 4_000.0
_UNSURE_WORDS = 2  # the last ones, where the audio does not end with a pause: they may go on
_LONG_MS = 8_000.0  # of audio, of which the next pause ends what is transcribed again
_LONGEST_MS = 25_000.0  # without a pause; Whisper hears half a minute at once
_LONGEST_KNOWN_MS = 5_000.0
_OVERLAP_MS = 1_000.0  # that is transcribed again, if nothing was said
_GAP = 0.2  # seconds between words


class LiveText:
    """The text of an item as far as it was sent: it can be continued, but not taken back."""

    def __init__(self) -> None:
        self.sent = ""

    def more(self, text: str) -> str:
        """Return what continues the sent text to ``text``, and note that it is sent."""
        more = self.continued(text)[len(self.sent) :]
        self.sent += more
        return more

    def continued(self, text: str) -> str:
        """Return the sent text, continued to ``text``.

        If ``text`` begins with other words, because more was understood since, what follows the words that were sent is
        added to them.
        """
        if text.startswith(self.sent):
            return text
        return self.sent if self.sent.startswith(text) else self.sent + _after(self.sent, text)


class Due(NamedTuple):
    """The text that is to be sent ``delay_ms`` from now."""

    delay_ms: float
    text: str


class LiveSpeech:
    """Speech that began at ``start_ms`` and goes on. A word is sent ``lag_ms`` after its end.

    ``from_ms``: the audio before needs no more transcription, as ``before`` is that of it.
    """

    def __init__(self, start_ms: float, lag_ms: float) -> None:
        self.from_ms = self._start_ms = self._unknown_ms = self._listened_ms = start_ms
        self.before: Transcription | None = None
        self._lag_ms = lag_ms
        self._pauses = Pauses()
        self._look_ms = min(max(_SHORTEST_LOOK_MS, lag_ms), _LONGEST_LOOK_MS)
        self._first_ms = _FIRST_MS + max(lag_ms - self._look_ms, 0.0)
        self._at_pause_ms = self._next_ms = start_ms
        self._has_news = False  # sound since the last look at a pause

    def listen(self, end_ms: float, cut: Cut) -> None:
        """Note the audio up to ``end_ms``. Silence at the beginning is nothing to transcribe."""
        while self._listened_ms < end_ms:
            begin_ms, self._listened_ms = self._listened_ms, min(self._listened_ms + WINDOW_MS, end_ms)
            was_silence = self._pauses.is_silence
            self._pauses.listen(cut(begin_ms, self._listened_ms))
            if not self._has_news and not self._pauses.is_quiet:
                self._has_news = True
                began_ms = max(self._start_ms, self._listened_ms - _PADDING_MS)
                self._at_pause_ms = max(self._at_pause_ms, began_ms + self._first_ms)
                self._next_ms = max(self._next_ms, began_ms + self._first_ms)
                if was_silence:
                    self.from_ms = self._unknown_ms = began_ms

    def is_due(self, end_ms: float) -> bool:
        """Return whether it is time to transcribe the audio from ``from_ms`` to ``end_ms``."""
        is_time = end_ms >= self._next_ms or (end_ms >= self._at_pause_ms and self._pauses.is_pause)
        return is_time and self._has_news

    def is_unknown(self, end_ms: float) -> bool:
        """Return whether speech up to ``end_ms`` would have been recognised if it were known."""
        return end_ms - self._unknown_ms >= _UNKNOWN_MS

    def hear(self, heard: Heard | None, end_ms: float) -> Iterator[Due]:
        """Yield the texts to send, each a word longer, from what is heard up to ``end_ms``, and plan the next look."""
        is_sure = heard is not None and heard.is_sure
        self._has_news = not self._pauses.is_pause
        if is_sure:
            self._unknown_ms = end_ms
        self._at_pause_ms = self._next_ms = end_ms + self._look_ms
        if not is_sure and self.is_unknown(end_ms):
            part = min(max((end_ms - self._unknown_ms) * _PART, self._look_ms), _LONGEST_PART_MS)
            self._at_pause_ms, self._next_ms = end_ms + part, end_ms + 2 * part
        words = list(_words(heard.transcription.segments)) if heard is not None else []
        unsure = 0 if is_sure or self._pauses.is_pause else _UNSURE_WORDS
        past = [word for word in words[: len(words) - unsure] if self.from_ms + word.end * 1000 <= end_ms]
        for word in past:
            past_ms = end_ms - self.from_ms - word.end * 1000
            yield Due(max(self._lag_ms - past_ms, 0.0), self._joined(word.said.rstrip(_MARKS + " ")))
        if heard is not None and past:
            self._go_on(heard.transcription, past, end_ms, is_sure=is_sure)
        elif not words and end_ms - self.from_ms > _LONGEST_MS:
            self.from_ms = end_ms - _OVERLAP_MS

    def _go_on(self, heard: Transcription, words: Sequence[_Said], end_ms: float, *, is_sure: bool) -> None:
        """Transcribe only what follows a pause from now on. Without a pause, wait for one, but not for long."""
        length_ms = end_ms - self.from_ms
        if not is_sure and self._pauses.is_pause and length_ms > _LONG_MS:
            self._cut(heard, words[-1].said, (length_ms - PAUSE_MS / 2) / 1000)
        elif length_ms > (_LONGEST_KNOWN_MS if is_sure else _LONGEST_MS):
            gaps = [pair for pair in itertools.pairwise(words) if pair[1].start - pair[0].end >= _GAP]
            if gaps:
                word, following = gaps[-1]
                self._cut(heard, word.said, (word.end + following.start) / 2)
            elif length_ms > _LONGEST_MS:
                self._cut(heard, words[-1].said, words[-1].end)

    def _cut(self, heard: Transcription, said: str, seconds: float) -> None:
        start = (self.from_ms - self._start_ms) / 1000
        end = start + seconds
        segments = (*self._segments, Segment(said, start, end))
        self.before = Transcription(heard.answered_by, end, heard.languages, segments)
        self.from_ms += 1000 * seconds

    @property
    def _segments(self) -> Iterable[Segment]:
        return self.before.segments if self.before is not None else ()

    def _joined(self, said: str) -> str:
        return " ".join([*(segment.text for segment in self._segments), said]).strip()


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
    """Return what follows in ``text`` after the words that match the end of ``sent``."""
    before, words = sent.split(), text.split()
    matcher = SequenceMatcher(None, _bare(before), _bare(words), autojunk=False)
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    matched, at = (blocks[-1].a + blocks[-1].size, blocks[-1].b + blocks[-1].size) if blocks else (0, 0)
    at += len(before) - matched  # one word for each that is understood otherwise now
    last = words[at - 1] if 0 < at <= len(words) and sent[-1:] not in _MARKS else ""
    return " ".join([last[len(last.rstrip(_MARKS)) :], *words[at:]]).rstrip()


def _bare(words: Iterable[str]) -> list[str]:
    return [word.strip(_MARKS).lower() for word in words]
