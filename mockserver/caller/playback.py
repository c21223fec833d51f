"""The sound of a reply, as the caller plays it: in the time that it lasts, from when it has come."""

from __future__ import annotations

_WORDS_PER_MS = 0.0027  # of speech at the usual speed, about 160 a minute


class Playback:
    """The sound of one content part of an item. Times are milliseconds of the call."""

    def __init__(self, item_id: str, content_index: int) -> None:
        self.item_id = item_id
        self.content_index = content_index
        self.start_ms: float | None = None
        self.end_ms = 0.0
        self.length_ms = 0.0  # of what has come
        self._pauses_ms = 0.0  # in which nothing had come
        self.is_cut = False

    def add(self, length_ms: float, now_ms: float, free_at_ms: float) -> None:
        """Play more of it, from now, or once what is played before it ends (``free_at_ms``)."""
        begins = max(now_ms, free_at_ms)
        if self.start_ms is None:
            self.start_ms = begins
        elif begins > self.end_ms:
            self._pauses_ms += begins - self.end_ms
        self.end_ms = begins + length_ms
        self.length_ms += length_ms

    def played_ms(self, now_ms: float) -> float:
        """Return how much was played."""
        if self.start_ms is None:
            return 0.0
        return min(max(now_ms - self.start_ms - self._pauses_ms, 0.0), self.length_ms)

    def cut(self, now_ms: float) -> None:
        """Stop playing."""
        self.length_ms = self.played_ms(now_ms)
        self.end_ms = min(self.end_ms, max(now_ms, self.start_ms or 0.0))
        self.is_cut = True


def words_heard(text: str, played_ms: float, length_ms: float | None) -> str:
    """Return the words of a text that were heard in ``played_ms``: as many as their share of its length.

    ``length_ms`` is ``None`` if not all of it was spoken; then the usual speed counts.
    """
    words = text.split()
    if length_ms is None:
        return " ".join(words[: int(played_ms * _WORDS_PER_MS)])
    share = played_ms / length_ms if length_ms else 1.0
    letters = len(text) * share
    heard = 0
    for count, word in enumerate(words):
        heard += len(word) + 1
        if heard - 1 > letters + 0.5:
            return " ".join(words[:count])
    return " ".join(words)
