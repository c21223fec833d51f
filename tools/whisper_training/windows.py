"""Windows of up to 30 s, as Whisper gets them, with what it is to write, and batches of them.

Times within a window are in states (1/50 s) unless said otherwise; frames of features are half as long.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from tools.whisper_training.corpus import LABEL_RATE, PAUSE, Corpus, Utterance
from tools.whisper_training.features import FRAME_RATE, SILENCE, mixed, noises, normalize, tones

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.whisper_training.tokenizer import Vocabulary

DEAR = 600  # states in a window for which attention costs as much as all else
IGNORED = -100  # a target that does not count
WINDOW = 30.0  # seconds
NEAR = 4  # states: how far a timestamp's surroundings reach
LONGEST_PROMPT = 223  # tokens; what faster-whisper keeps of one
LATEST_START = 1.0  # seconds; faster-whisper allows no later first timestamp


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows of equal length. ``spans`` are where tokens sound, [B, N + 1, 2]: those read, then the last written.

    ``mel`` float32[B, 2T, 80]; ``phonemes`` int64[B, T]; ``tokens`` and ``targets`` int64[B, N]; ``samples``
    int64[S, 3] are states at which a token of the text sounds: window, state, token.
    """

    mel: NDArray[np.float32]
    phonemes: NDArray[np.int64]
    tokens: NDArray[np.int64]
    targets: NDArray[np.int64]
    spans: NDArray[np.int64]
    samples: NDArray[np.int64]


@dataclass(slots=True)
class _Window:
    raw: NDArray[np.float32]
    phonemes: NDArray[np.uint8]
    segments: list[_Said] = field(default_factory=list)
    unfinished: float | None = None  # seconds at which a segment begins that the window cuts off


@dataclass(frozen=True, slots=True)
class _Said:
    """Tokens and where each sounds; ``start`` and ``end`` in seconds within the window."""

    start: float
    end: float
    tokens: list[int]
    spans: list[tuple[float, float]]


class Windows:
    """Makes batches out of a corpus, ``states`` states in each (about)."""

    def __init__(self, corpus: Corpus, vocabulary: Vocabulary, seed: int, states: int) -> None:
        self._corpus, self._vocabulary, self._states = corpus, vocabulary, states
        self._rng = random.Random(seed)
        self._noise_rng = np.random.default_rng(seed)
        self._by_duration = np.argsort(corpus.durations, kind="stable")
        self._pause = corpus.phoneme_names.index(PAUSE)

    def batch(self, step: int, steps: int) -> Batch:
        """A batch for a step of a training of so many: words first, long windows later.

        Of what kind it is depends on the step alone: so batches made with other seeds take as long to learn from.
        """
        kind = random.Random(step)
        progress = step / steps
        if kind.random() < max(0.08, 0.75 - 4 * progress):
            return self._assembled(self._crops(kind.choice((1, 2, 3, 4)), kind.random()), prompted=False)
        lead = kind.uniform(0, 0.9) if kind.random() < 0.5 else 0.0
        if kind.random() < max(0.45, 0.7 - 0.5 * progress):
            windows = self._singles(kind.random(), lead)
            prompted = kind.random() < 0.08
        else:
            longest = min(WINDOW, 5 + 60 * progress)
            whole = longest == WINDOW and kind.random() < 0.3
            windows = self._packed(WINDOW if whole else kind.uniform(longest / 4, longest), lead)
            prompted = kind.random() < min(0.5, 0.9 * progress)
        return self._assembled(windows, prompted=prompted)

    def _count(self, duration: float) -> int:
        """How many windows of so many seconds make a batch; fewer states if they are long: attention is dear."""
        states = duration * LABEL_RATE
        return max(1, int(self._states / (1 + states / DEAR) / states))

    def _crops(self, words: int, quantile: float) -> list[_Window]:
        """A few words each, cut out of sentences, all about equally long: that quantile."""
        rng = self._rng
        found = []
        for _ in range(400):
            utterance = self._corpus[rng.randrange(len(self._corpus))]
            first = rng.randint(0, max(0, len(utterance.words) - words))
            last = min(first + words, len(utterance.words)) - 1
            duration = float(utterance.words[last, 1] - utterance.words[first, 0])
            found.append((duration + 0.1, utterance, first, last + 1))
        found.sort(key=itemgetter(0))
        count = self._count(found[int(quantile * len(found))][0])
        start = int(quantile * (len(found) - min(count, len(found))))
        return [self._window([row[1:]], 0.06, 0.0) for row in found[start : start + count]]

    def _singles(self, quantile: float, lead: float) -> list[_Window]:
        """An utterance each, all about equally long: that quantile of the corpus."""
        rng = self._rng
        size = len(self._corpus)
        duration = self._corpus.durations[self._by_duration[int(quantile * size)]] + lead / 2
        count = self._count(duration)
        first = int(quantile * max(0, size - 4 * count))
        near = self._by_duration[first : first + 4 * count].tolist()
        chosen = [self._corpus[index] for index in rng.sample(near, min(count, len(near)))]
        return [self._window([(one, 0, len(one.words))], lead, lead / 2) for one in chosen]

    def _packed(self, duration: float, lead: float) -> list[_Window]:
        """Several utterances each, in all about ``duration`` seconds; those of 30 s end within a sentence."""
        rng = self._rng
        # None longer than all is to be: the longest window decides how much the batch costs.
        fitting = max(1, int(np.searchsorted(self._corpus.durations[self._by_duration], duration)))
        windows = []
        for _ in range(self._count(duration)):
            chosen: list[tuple[Utterance, int, int]] = []
            total = 0.0
            while total < duration:
                utterance = self._corpus[int(self._by_duration[rng.randrange(fitting)])]
                total += utterance.duration
                if total < duration or duration == WINDOW or not chosen:
                    chosen.append((utterance, 0, len(utterance.words)))
            windows.append(self._window(chosen, lead, 1.5))
        return windows

    def _window(self, chosen: list[tuple[Utterance, int, int]], lead: float, trail: float) -> _Window:
        """The words from one to another of each utterance, one after the other, with pauses.

        ``lead`` and ``trail`` are the longest silences (s) before and after them.
        """
        rng = self._rng
        if rng.random() < 0.07:
            spans = (one.words[stop - 1, 1] - one.words[first, 0] for one, first, stop in chosen)
            return self._without_speech(float(sum(spans)))
        time = rng.uniform(0, lead)
        parts: list[tuple[float, NDArray[np.float32], NDArray[np.uint8]]] = []
        segments = []
        unfinished = None
        gain = rng.uniform(-1.4, 0.4) if rng.random() < 0.5 else 0.0
        speed = rng.uniform(0.85, 1.18) if rng.random() < 0.15 else 1.0
        for spoken, first, stop in chosen:
            if time > WINDOW - 0.3:
                break
            utterance = spoken if speed == 1 else spoken.at_speed(speed)
            begin, end = self._bounds(utterance, first, stop)
            time = round(time * LABEL_RATE) / LABEL_RATE
            said = [self._said(utterance, *one, time - begin) for one in _sentences(utterance, first, stop)]
            finish = time + (end - begin)
            if finish > WINDOW:
                whole = [one for one in said if one.end <= WINDOW]
                after = said[len(whole)].start if len(whole) < len(said) else WINDOW
                finish = WINDOW if after < WINDOW - 0.3 else max(after, time)
                unfinished = after if after < WINDOW - 0.3 else None
                said = whole
            parts.append((time, *_cut(utterance, begin, begin + finish - time)))
            segments += said
            time = finish
            if len(chosen) > 1 and rng.random() < 0.35:
                time += rng.uniform(0, 0.5) if rng.random() < 0.8 else rng.uniform(0.5, 2.5)
        if unfinished is None and rng.random() < 0.3:
            time += rng.uniform(0, trail)
        window = self._empty(min(time, WINDOW))
        window.segments, window.unfinished = segments, unfinished
        shift = gain
        for start, raw, phonemes in parts:
            if rng.random() < 0.2:
                shift = gain + rng.uniform(-0.5, 0.3)
            at = round(start * FRAME_RATE)
            stop = min(at + len(raw), len(window.raw))
            window.raw[at:stop] = np.maximum(raw[: stop - at] + np.float32(shift), SILENCE)
            stop = min(at // 2 + len(phonemes), len(window.phonemes))
            window.phonemes[at // 2 : stop] = phonemes[: stop - at // 2]
        self._disturb(window)
        return window

    def _bounds(self, utterance: Utterance, first: int, stop: int) -> tuple[float, float]:
        """Where to cut the sound (s) so that the words from one to another are in it."""
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

    def _empty(self, seconds: float) -> _Window:
        states = max(8, round(seconds * LABEL_RATE))
        raw = np.full((2 * states, 80), SILENCE, np.float32)
        return _Window(raw, np.full(states, self._pause, np.uint8))

    def _without_speech(self, seconds: float) -> _Window:
        """Silence, or noise or tones as loud as can be."""
        window = self._empty(min(max(0.3, seconds), WINDOW))
        kind = self._rng.random()
        if kind < 0.4:
            self._add_noise(window, self._rng.choice(noises()), self._rng.uniform(-6, 2))
        elif kind < 0.8:
            self._add_noise(window, tones(self._noise_rng), self._rng.uniform(-6, 2))
        return window

    def _said(self, utterance: Utterance, first: int, stop: int, offset: float) -> _Said:
        """The tokens of some words of an utterance that begins at ``offset`` (s) of the window."""
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
        return _Said(max(0.0, float(times[0, 0])), float(times[-1, 1]), tokens, spans)

    def _disturb(self, window: _Window) -> None:
        """Noise, a narrow band, another timbre."""
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

    def _add_noise(self, window: _Window, noise: NDArray[np.float32], shift: float) -> None:
        start = self._rng.randrange(len(noise))
        rolled = np.resize(np.roll(noise, -start, axis=0), window.raw.shape)
        window.raw = mixed(window.raw, np.maximum(rolled + np.float32(shift), SILENCE))

    def _assembled(self, windows: list[_Window], *, prompted: bool) -> Batch:
        states = max(len(window.phonemes) for window in windows)
        mel = np.zeros((len(windows), 2 * states, 80), np.float32)
        phonemes = np.full((len(windows), states), self._pause, np.int64)
        rows = []
        samples = []
        for row, window in enumerate(windows):
            louder = self._rng.uniform(0, 1) if self._rng.random() < 0.15 else 0.0  # elsewhere in the file
            loudest = max(float(window.raw.max()) + louder, SILENCE)
            mel[row, : len(window.raw)] = normalize(window.raw, loudest)
            phonemes[row, : len(window.phonemes)] = window.phonemes
            tokens, targets, spans = self._written(window, prompted=prompted and self._rng.random() < 0.7)
            rows.append((tokens, targets, spans))
            for said in window.segments:
                for token, (low, high) in zip(said.tokens, said.spans, strict=True):
                    at = min(max(round(self._rng.uniform(low, high)), 0), states - 1)
                    samples.append((row, at, token))
        length = max(len(tokens) for tokens, _, _ in rows)
        end = self._vocabulary.end
        return Batch(
            mel,
            phonemes,
            np.array([tokens + [end] * (length - len(tokens)) for tokens, _, _ in rows]),
            np.array([targets + [IGNORED] * (length - len(targets)) for _, targets, _ in rows]),
            np.array([spans + [(0, 0)] * (length + 1 - len(spans)) for _, _, spans in rows]),
            np.array(samples, np.int64).reshape(-1, 3),
        )

    def _written(
        self, window: _Window, *, prompted: bool
    ) -> tuple[list[int], list[int], list[tuple[int, int]]]:
        """What the decoder reads and writes, and where each token read, and the last written, sounds."""
        rng, vocabulary = self._rng, self._vocabulary
        timed = rng.random() < 0.8
        prompt = self._prompt() if prompted else []
        prompt.append(vocabulary.start)
        body: list[int] = []
        spans: list[tuple[float, float]] = []
        for said in window.segments:
            start = min(said.start, LATEST_START) if said is window.segments[0] else said.start
            body += [vocabulary.timestamp(start), *said.tokens, vocabulary.timestamp(said.end)]
            spans += [_around(start), *said.spans, _around(said.end)]
        if window.unfinished is not None:
            body.append(vocabulary.timestamp(window.unfinished))
            spans.append(_around(window.unfinished))
        speech = bool(body)
        if not speech:
            body, spans = [vocabulary.timestamp(0)], [(0, 0)]
        if not timed:
            kept = [index for index, token in enumerate(body) if token < vocabulary.end]
            body, spans = [body[index] for index in kept], [spans[index] for index in kept]
        length = len(window.phonemes)
        body.append(vocabulary.end)
        spans.append((length - 5, length + 20))
        first = body[0] if timed else vocabulary.no_timestamps
        targets = [first if speech else vocabulary.no_speech] + (body[1:] if timed else body)
        read = (prompt if timed else [*prompt, vocabulary.no_timestamps]) + body[:-1]
        all_spans = [(0.0, 0.0)] * (len(read) + 1 - len(body)) + spans
        whole = [(max(0, round(low)), round(high)) for low, high in all_spans]
        return read, [IGNORED] * (len(read) - len(targets)) + targets, whole

    def _prompt(self) -> list[int]:
        """What was said in the window before, which ends about where this one begins."""
        rng = self._rng
        chosen = [
            self._corpus[rng.randrange(len(self._corpus))] for _ in range(rng.choice((1, 2, 3, 6, 12, 20)))
        ]
        length = sum(utterance.duration for utterance in chosen)
        time = WINDOW * math.ceil(length / WINDOW) + rng.uniform(26, WINDOW) - length
        timed = rng.random() < 0.8
        tokens: list[int] = []
        for utterance in chosen:
            for first, stop in _sentences(utterance, 0, len(utterance.words)):
                said = self._said(utterance, first, stop, time)
                start, end = (self._vocabulary.timestamp(at % WINDOW) for at in (said.start, said.end))
                tokens += [start, *said.tokens, end] if timed else said.tokens
            time += utterance.duration
        return [self._vocabulary.previous, *tokens[-LONGEST_PROMPT:]]


def _sentences(utterance: Utterance, first: int, stop: int) -> Iterator[tuple[int, int]]:
    """The sentences among some words of an utterance: the first word of each, and the one after its last."""
    for number, word in enumerate(utterance.text.split()[first:stop], first + 1):
        if word.endswith((".", "?", "!")) or number == stop:
            yield first, number
            first = number


def _cut(utterance: Utterance, begin: float, end: float) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Raw features and phonemes from ``begin`` to ``end`` (s)."""
    raw = utterance.sound.raw()[round(begin * FRAME_RATE) : round(end * FRAME_RATE)]
    return raw, utterance.phonemes[round(begin * LABEL_RATE) : round(end * LABEL_RATE)]


def _around(seconds: float) -> tuple[float, float]:
    return seconds * LABEL_RATE - NEAR, seconds * LABEL_RATE + NEAR
