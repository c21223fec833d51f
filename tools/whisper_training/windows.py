"""Batches of windows for the training: words first, long windows later.

Times within a window are in states (1/50 s) unless said otherwise; frames of features are half as long.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from tools.whisper_training.corpus import LABEL_RATE, PAUSE, Corpus
from tools.whisper_training.features import SILENCE, normalize
from tools.whisper_training.window import WINDOW, Chosen, Window, WindowMaker
from tools.whisper_training.writer import IGNORED, Writer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tools.whisper_training.tokenizer import Vocabulary

DEAR = 600  # states in a window for which attention costs as much as all else


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


class Windows:
    """Makes batches out of a corpus, of about ``states`` states each."""

    def __init__(self, corpus: Corpus, vocabulary: Vocabulary, seed: int, states: int) -> None:
        self._corpus, self._vocabulary, self._states = corpus, vocabulary, states
        self._rng = random.Random(seed)
        self._by_duration = np.argsort(corpus.durations, kind="stable")
        self._pause = corpus.phoneme_names.index(PAUSE)
        self._maker = WindowMaker(vocabulary, self._pause, seed, self._rng)
        self._writer = Writer(corpus, vocabulary, self._maker, self._rng)

    def batch(self, step: int, steps: int) -> Batch:
        """Return a batch for a step of a training: words first, long windows later.

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
        """Return how many windows of so many seconds make a batch; fewer if they are long: attention is expensive."""
        states = duration * LABEL_RATE
        return max(1, int(self._states / (1 + states / DEAR) / states))

    def _crops(self, words: int, quantile: float) -> list[Window]:
        """Return a few words each, cut out of sentences, all about equally long: that quantile."""
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
        return [self._maker.make([row[1:]], 0.06, 0.0) for row in found[start : start + count]]

    def _singles(self, quantile: float, lead: float) -> list[Window]:
        """Return an utterance each, all about equally long: that quantile of the corpus."""
        rng = self._rng
        size = len(self._corpus)
        duration = self._corpus.durations[self._by_duration[int(quantile * size)]] + lead / 2
        count = self._count(duration)
        first = int(quantile * max(0, size - 4 * count))
        near = self._by_duration[first : first + 4 * count].tolist()
        chosen = [self._corpus[index] for index in rng.sample(near, min(count, len(near)))]
        return [self._maker.make([(one, 0, len(one.words))], lead, lead / 2) for one in chosen]

    def _packed(self, duration: float, lead: float) -> list[Window]:
        """Return several utterances each, about ``duration`` seconds in all; those of 30 s end within a sentence."""
        rng = self._rng
        # None longer than the total: the longest window determines the cost of the batch.
        fitting = max(1, int(np.searchsorted(self._corpus.durations[self._by_duration], duration)))
        windows = []
        for _ in range(self._count(duration)):
            chosen: list[Chosen] = []
            total = 0.0
            while total < duration:
                utterance = self._corpus[int(self._by_duration[rng.randrange(fitting)])]
                total += utterance.duration
                if total < duration or duration == WINDOW or not chosen:
                    chosen.append((utterance, 0, len(utterance.words)))
            windows.append(self._maker.make(chosen, lead, 1.5))
        return windows

    def _assembled(self, windows: list[Window], *, prompted: bool) -> Batch:
        states = max(len(window.phonemes) for window in windows)
        mel = np.zeros((len(windows), 2 * states, 80), np.float32)
        phonemes = np.full((len(windows), states), self._pause, np.int64)
        rows = []
        samples = []
        for number, window in enumerate(windows):
            louder = self._rng.uniform(0, 1) if self._rng.random() < 0.15 else 0.0  # elsewhere in the file
            loudest = max(float(window.raw.max()) + louder, SILENCE)
            mel[number, : len(window.raw)] = normalize(window.raw, loudest)
            phonemes[number, : len(window.phonemes)] = window.phonemes
            rows.append(self._writer.write(window, prompted=prompted and self._rng.random() < 0.7))
            for said in window.sentences:
                for token, (low, high) in zip(said.tokens, said.spans, strict=True):
                    at = min(max(round(self._rng.uniform(low, high)), 0), states - 1)
                    samples.append((number, at, token))
        length = max(len(row.tokens) for row in rows)
        end = self._vocabulary.end
        return Batch(
            mel,
            phonemes,
            np.array([row.tokens + [end] * (length - len(row.tokens)) for row in rows]),
            np.array([row.targets + [IGNORED] * (length - len(row.targets)) for row in rows]),
            np.array([row.spans + [(0, 0)] * (length + 1 - len(row.spans)) for row in rows]),
            np.array(samples, np.int64).reshape(-1, 3),
        )
