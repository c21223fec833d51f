"""The tokens that the decoder reads and writes for a window, and where each token sounds."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.whisper_training.corpus import LABEL_RATE, Corpus
from tools.whisper_training.window import WINDOW, Window, WindowMaker

if TYPE_CHECKING:
    from tools.whisper_training.tokenizer import Vocabulary

IGNORED = -100  # a target that does not count
NEAR = 4  # states: how far a timestamp's surroundings reach
MAX_PROMPT = 223  # tokens; what faster-whisper keeps of one
LATEST_START = 1.0  # seconds; faster-whisper allows no later first timestamp


@dataclass(frozen=True, slots=True)
class Written:
    """Tokens read and, for each, the one that follows; ``spans`` in states, those read, then the last written."""

    tokens: list[int]
    targets: list[int]
    spans: list[tuple[int, int]]


class Writer:
    """Writes windows as Whisper does: timestamps around sentences, or none; after a prompt, or none."""

    def __init__(
        self, corpus: Corpus, vocabulary: Vocabulary, maker: WindowMaker, rng: random.Random
    ) -> None:
        self._corpus, self._vocabulary, self._maker, self._rng = corpus, vocabulary, maker, rng

    def write(self, window: Window, *, prompted: bool) -> Written:
        """Return the tokens of a window, after a prompt if it is ``prompted``."""
        rng, vocabulary = self._rng, self._vocabulary
        timed = rng.random() < 0.8
        prompt = self._prompt() if prompted else []
        prompt.append(vocabulary.start)
        body: list[int] = []
        spans: list[tuple[float, float]] = []
        for said in window.sentences:
            start = min(said.start, LATEST_START) if said is window.sentences[0] else said.start
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
        return Written(read, [IGNORED] * (len(read) - len(targets)) + targets, whole)

    def _prompt(self) -> list[int]:
        """Return the text of the window before, which ends about where this one begins."""
        rng = self._rng
        chosen = [
            self._corpus[rng.randrange(len(self._corpus))] for _ in range(rng.choice((1, 2, 3, 6, 12, 20)))
        ]
        length = sum(utterance.duration for utterance in chosen)
        time = WINDOW * math.ceil(length / WINDOW) + rng.uniform(26, WINDOW) - length
        timed = rng.random() < 0.8
        tokens: list[int] = []
        for utterance in chosen:
            for said in self._maker.said(utterance, time):
                start, end = (self._vocabulary.timestamp(at % WINDOW) for at in (said.start, said.end))
                tokens += [start, *said.tokens, end] if timed else said.tokens
            time += utterance.duration
        return [self._vocabulary.previous, *tokens[-MAX_PROMPT:]]


def _around(seconds: float) -> tuple[float, float]:
    return seconds * LABEL_RATE - NEAR, seconds * LABEL_RATE + NEAR
