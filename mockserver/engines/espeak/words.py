"""When each word of a text sounds, from the word events of espeak-ng."""

from __future__ import annotations

import re
from bisect import bisect_right

from mockserver.engines.speech import SpokenWord


class WordTimes:
    """Turns word events, as they come, into times of the words of the text (what stands between whitespace).

    Some words have no event of their own: espeak-ng reads "of the" as one, and says nothing for a dash. They
    share the time until the next event with the word before them, in proportion to their letters (words
    before the first event share with the first that has one). Other words have several events, of which the
    first counts.
    """

    def __init__(self, text: str) -> None:
        matches = list(re.finditer(r"\S+", text))
        self._words = [match.group() for match in matches]
        self._positions = [match.start() for match in matches]
        self._done = 0  # words whose times are known
        self._sounding = -1  # index of the word of the last event
        self._since = 0.0

    def begin(self, position: int, time: float) -> tuple[SpokenWord, ...]:
        """Begin the word at ``position`` (characters, from 0) at ``time`` (s). Return those that end."""
        index = bisect_right(self._positions, position) - 1
        if index <= self._sounding:
            return ()
        ended = self._end_words(index, time) if self._sounding >= 0 else ()
        self._sounding = index
        self._since = time
        return ended

    def finish(self, time: float) -> tuple[SpokenWord, ...]:
        """End the speech at ``time`` (s). Return the remaining words."""
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
