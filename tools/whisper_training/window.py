"""One window of up to 30 s: its sound, and the spoken text with times.

Times are in seconds; those within ``Said.spans`` are in states (1/50 s).
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tools.whisper_training.corpus import LABEL_RATE, Utterance
from tools.whisper_training.features import FRAME_RATE, SILENCE, mixed, noises, tones

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.whisper_training.tokenizer import Vocabulary

WINDOW = 30.0  # seconds
SHORTEST = 0.3  # seconds; no sentence begins later than this before the end of a window

Chosen = tuple[Utterance, int, int]  # an utterance, its first word, and the one after the last


@dataclass(frozen=True, slots=True)
class Said:
    """The tokens of a sentence and where each sounds."""

    start: float
    end: float
    tokens: list[int]
    spans: list[tuple[float, float]]


@dataclass(slots=True)
class Window:
    """Raw features, float32[2 T, 80], and phonemes, uint8[T]. A sentence that is cut off begins at ``unfinished``."""

    raw: NDArray[np.float32]
    phonemes: NDArray[np.uint8]
    sentences: list[Said] = field(default_factory=list)
    unfinished: float | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a window's sound from a given time, and its phonemes."""

    start: float
    raw: NDArray[np.float32]
    phonemes: NDArray[np.uint8]


class WindowMaker:
    """Makes windows of utterances, each a little different. ``pause`` is the phoneme of silence."""

    def __init__(self, vocabulary: Vocabulary, pause: int, seed: int, rng: random.Random) -> None:
        self._vocabulary, self._pause, self._rng = vocabulary, pause, rng
        self._noise_rng = np.random.default_rng(seed)

    def make(self, chosen: list[Chosen], lead: float, trail: float) -> Window:
        """Make a window of some utterances in turn, or sometimes of an equally long sound without speech.

        ``lead`` and ``trail`` are the longest silences before and after them.
        """
        if self._rng.random() < 0.07:
            spans = (one.words[stop - 1, 1] - one.words[first, 0] for one, first, stop in chosen)
            return self._without_speech(float(sum(spans)))
        parts, said, unfinished, time = self._in_order(chosen, self._rng.uniform(0, lead))
        if unfinished is None and self._rng.random() < 0.3:
            time += self._rng.uniform(0, trail)
        window = self._empty(min(time, WINDOW))
        window.sentences, window.unfinished = said, unfinished
        self._sound(window, parts)
        self._disturb(window)
        return window

    def said(
        self, utterance: Utterance, offset: float, first: int = 0, stop: int | None = None
    ) -> list[Said]:
        """Return the sentences in some words of an utterance that begins at ``offset``."""
        return [self._sentence(utterance, *span, offset) for span in _sentences(utterance, first, stop)]

    def _in_order(
        self, chosen: list[Chosen], time: float
    ) -> tuple[list[_Part], list[Said], float | None, float]:
        """Lay out the utterances with pauses, from ``time`` on.

        Return their sound, the whole sentences, the start of one that is cut off, and the end of all.
        """
        rng = self._rng
        parts: list[_Part] = []
        sentences: list[Said] = []
        unfinished = None
        speed = rng.uniform(0.85, 1.18) if rng.random() < 0.15 else 1.0
        for spoken, first, stop in chosen:
            if time > WINDOW - SHORTEST:
                break
            utterance = spoken if speed == 1 else spoken.at_speed(speed)
            begin, end = self._bounds(utterance, first, stop)
            time = round(time * LABEL_RATE) / LABEL_RATE
            said = self.said(utterance, time - begin, first, stop)
            finish = time + (end - begin)
            if finish > WINDOW:
                whole = [one for one in said if one.end <= WINDOW]
                after = said[len(whole)].start if len(whole) < len(said) else WINDOW
                unfinished = after if after < WINDOW - SHORTEST else None
                finish = WINDOW if unfinished is not None else max(after, time)
                said = whole
            parts.append(_Part(time, *_cut(utterance, begin, begin + finish - time)))
            sentences += said
            time = finish
            if len(chosen) > 1 and rng.random() < 0.35:
                time += rng.uniform(0, 0.5) if rng.random() < 0.8 else rng.uniform(0.5, 2.5)
        return parts, sentences, unfinished, time

    def _sound(self, window: Window, parts: list[_Part]) -> None:
        """Put the parts into the window, some louder than others."""
        rng = self._rng
        shift = gain = rng.uniform(-1.4, 0.4) if rng.random() < 0.5 else 0.0
        for part in parts:
            if rng.random() < 0.2:
                shift = gain + rng.uniform(-0.5, 0.3)
            at = round(part.start * FRAME_RATE)
            stop = min(at + len(part.raw), len(window.raw))
            window.raw[at:stop] = np.maximum(part.raw[: stop - at] + np.float32(shift), SILENCE)
            stop = min(at // 2 + len(part.phonemes), len(window.phonemes))
            window.phonemes[at // 2 : stop] = part.phonemes[: stop - at // 2]

    def _bounds(self, utterance: Utterance, first: int, stop: int) -> tuple[float, float]:
        """Return where to cut the sound (s) so that it contains a range of words."""
        rng = self._rng
        words = utterance.words[first:stop]
        whole = first == 0 and stop >= len(utterance.words)
        begin = max(0.0, float(words[0, 0]) - rng.uniform(0, 0.03))
        if whole:
            begin = rng.uniform(0, float(words[0, 0]) + 0.05) if rng.random() < 0.15 else 0.0
        end = utterance.duration if whole else float(words[-1, 1]) + rng.uniform(0, 0.03)
        if whole and rng.random() < 0.3:  # as if trimmed
            end = min(end, float(words[-1, 1]) + rng.uniform(0.02, 0.2))
        return round(begin * LABEL_RATE) / LABEL_RATE, round(end * LABEL_RATE) / LABEL_RATE

    def _empty(self, seconds: float) -> Window:
        states = max(8, round(seconds * LABEL_RATE))
        raw = np.full((2 * states, 80), SILENCE, np.float32)
        return Window(raw, np.full(states, self._pause, np.uint8))

    def _without_speech(self, seconds: float) -> Window:
        """Return silence, or noise or tones of any loudness."""
        window = self._empty(min(max(0.3, seconds), WINDOW))
        kind = self._rng.random()
        if kind < 0.4:
            self._add_noise(window, self._rng.choice(noises()), self._rng.uniform(-6, 2))
        elif kind < 0.8:
            self._add_noise(window, tones(self._noise_rng), self._rng.uniform(-6, 2))
        return window

    def _sentence(self, utterance: Utterance, first: int, stop: int, offset: float) -> Said:
        """Return the tokens of some words of an utterance that begins at ``offset`` (s) of the window."""
        words = utterance.text.split()[first:stop]
        times = utterance.words[first:stop].astype(float) + offset
        text = " ".join(words)
        starts = np.cumsum([0, *(len(word) + 1 for word in words)])
        tokens, spans = [], []
        for token, begin, end in self._vocabulary.encode(text):
            number = int(np.searchsorted(starts, begin, "right")) - 1
            since, until = times[number]
            length = len(words[number])
            piece = (until - since) / length
            tokens.append(token)
            low = since + (begin - starts[number]) * piece
            high = since + (min(end, starts[number] + length) - starts[number]) * piece
            spans.append((low * LABEL_RATE - 1, max(high * LABEL_RATE, low * LABEL_RATE + 2)))
        return Said(max(0.0, float(times[0, 0])), float(times[-1, 1]), tokens, spans)

    def _disturb(self, window: Window) -> None:
        """Add noise, a narrow band, or another timbre."""
        rng = self._rng
        if rng.random() < 0.35:
            loudness = float(window.raw.max()) - rng.uniform(1.5, 5)
            noise = rng.choice(noises())
            self._add_noise(window, noise, loudness - float(noise.max()))
        if rng.random() < 0.15:
            window.raw += np.linspace(-1, 1, 80, dtype=np.float32) * np.float32(rng.uniform(-0.5, 0.5))
        if rng.random() < 0.15:  # bands above this are lost
            window.raw[:, rng.randint(58, 78) :] = SILENCE
        if rng.random() < 0.07:
            window.raw[:, : rng.randint(1, 8)] -= np.float32(rng.uniform(0.5, 3))
        np.maximum(window.raw, SILENCE, out=window.raw)

    def _add_noise(self, window: Window, noise: NDArray[np.float32], shift: float) -> None:
        start = self._rng.randrange(len(noise))
        rolled = np.resize(np.roll(noise, -start, axis=0), window.raw.shape)
        window.raw = mixed(window.raw, np.maximum(rolled + np.float32(shift), SILENCE))


def _sentences(utterance: Utterance, first: int, stop: int | None) -> Iterator[tuple[int, int]]:
    """Return the sentences among some words of an utterance: the first word of each, and the one after its last."""
    words = utterance.text.split()[:stop]
    for number, word in enumerate(words[first:], first + 1):
        if word.endswith((".", "?", "!")) or number == len(words):
            yield first, number
            first = number


def _cut(utterance: Utterance, begin: float, end: float) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Return raw features and phonemes from ``begin`` to ``end`` (s)."""
    raw = utterance.sound.raw()[round(begin * FRAME_RATE) : round(end * FRAME_RATE)]
    return raw, utterance.phonemes[round(begin * LABEL_RATE) : round(end * LABEL_RATE)]
