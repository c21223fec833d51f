"""Computes the times of the words of a text from the word events of espeak-ng."""

from __future__ import annotations

import re
from bisect import bisect_right

from mockserver.engines.speech import SpokenWord


class WordTimes:
    """The times of the words of a text (separated by whitespace), computed from word events as they arrive.

    Some words have no event of their own: espeak-ng reads "of the" as one word, and a dash not at all. They share the
    time until the next event with the word before them, in proportion to their letters (words before the first event
    share with the first word that has one). If a word has several events, the first one counts.
    """

    def __init__(self, text: str) -> None:
        matches = list(re.finditer(r"\S+", text))
        self._words = [match.group() for match in matches]
        self._positions = [match.start() for match in matches]
        self._done = 0  # number of words with known times
        self._current = -1  # index of the word of the last event
        self._since = 0.0

    def begin(self, position: int, time: float) -> tuple[SpokenWord, ...]:
        """Begin the word at ``position`` (characters, from 0) at ``time`` (seconds). Return the words that end."""
        index = bisect_right(self._positions, position) - 1
        if index <= self._current:
            return ()
        ended = self._end_words(index, time) if self._current >= 0 else ()
        self._current = index
        self._since = time
        return ended

    def finish(self, time: float) -> tuple[SpokenWord, ...]:
        """End the speech at ``time`` (seconds). Return the remaining words."""
        return self._end_words(len(self._words), time)

    def _end_words(self, stop: int, time: float) -> tuple[SpokenWord, ...]:
        words = self._words[self._done : stop]
        start = min(self._since, time)
        per_letter = (time - start) / max(1, sum(map(len, words)))
        spoken = []
        for word in words:
            end = start + len(word) * per_letter
            spoken.append(SpokenWord(word, start, end))
            start = end
        self._done = stop
        return tuple(spoken)
