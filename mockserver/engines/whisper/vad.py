"""Detects speech in audio that is decoded in pieces, with the model of faster-whisper (Silero).

``get_speech_timestamps`` of faster-whisper takes all samples at once, and several times their memory. This module finds
the same spans: it uses the model, and its inputs, in the same way as ``faster_whisper.vad``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import zip_longest
from typing import TYPE_CHECKING

import numpy as np

from mockserver.audio.decode import RECOGNISER_SAMPLE_RATE
from mockserver.audio.samples import Samples
from mockserver.engines.silero import speech_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mockserver.engines.transcription import VadOptions

Span = dict[str, int]  # "start" and "end" in samples, the end excluded, in faster-whisper's form

_WINDOW = 512  # samples that the model judges at a time
_CONTEXT = 64  # samples of the previous window that are repeated
_BATCH = 1_000 * _WINDOW  # samples, half a minute
# Probability: speech continues down to the threshold minus the margin, or down to the lowest.
_MARGIN, _LOWEST = 0.15, 0.01


def speech_spans(samples: Samples, options: VadOptions, pause: Callable[[], None]) -> list[Span]:
    """Return the spans with speech, in order, with the requested padding. ``pause`` is called every half minute."""
    spans = list(_unpadded(samples, options, pause))
    padding = RECOGNISER_SAMPLE_RATE * options.prefix_padding_ms / 1000
    for span, following in zip_longest(spans, spans[1:]):
        if span is spans[0]:
            span["start"] = int(max(0, span["start"] - padding))
        gap = following["start"] - span["end"] if following else 2 * padding
        if following and gap < 2 * padding:
            span["end"] += int(gap // 2)
            following["start"] -= int(gap // 2)
            continue
        span["end"] = int(min(samples.made, span["end"] + padding))
        if following:
            following["start"] = int(max(0, following["start"] - padding))
    return spans


def extract(samples: Samples, spans: list[Span]) -> Samples:
    """Return the samples of the spans, joined."""

    def pieces() -> Iterator[NDArray[np.float32]]:
        for span in spans:
            for begin in range(span["start"], span["end"], _BATCH):
                yield samples.stretch(begin, min(begin + _BATCH, span["end"]))

    return Samples(pieces)


def _unpadded(samples: Samples, options: VadOptions, pause: Callable[[], None]) -> Iterator[Span]:
    """Yield the spans that begin with speech and end with enough silence."""
    still_speech = max(options.threshold - _MARGIN, _LOWEST)
    enough = RECOGNISER_SAMPLE_RATE * options.silence_duration_ms / 1000  # samples of silence
    start: int | None = None
    silent: int | None = None  # the sample at which the silence began
    for number, probability in enumerate(_probabilities(samples, pause)):
        at = number * _WINDOW
        if probability >= options.threshold:
            start, silent = at if start is None else start, None
        elif start is not None and probability < still_speech:
            silent = at if silent is None else silent
            if at - silent >= enough:
                yield {"start": start, "end": silent}
                start = silent = None
    if start is not None and start < samples.made:
        yield {"start": start, "end": samples.made}


def _probabilities(samples: Samples, pause: Callable[[], None]) -> Iterator[np.float32]:
    """Yield the probability of speech of each window. The last window is padded, and its end overwritten, with 0."""
    session = speech_model()
    h = c = np.zeros((1, 1, 128), np.float32)
    before = np.zeros(_CONTEXT, np.float32)
    begin, is_last = 0, False
    while not is_last:
        pause()
        batch = samples.stretch(begin, begin + _BATCH)
        is_last = len(batch) < _BATCH
        if is_last:
            batch = np.pad(batch, (0, _WINDOW - len(batch) % _WINDOW))
            batch[-_CONTEXT:] = 0  # as in faster-whisper
        windows = batch.reshape(-1, _WINDOW)
        contexts = np.concatenate((before[np.newaxis], windows[:-1, -_CONTEXT:]))
        inputs = {"input": np.concatenate((contexts, windows), axis=1), "h": h, "c": c}
        probabilities, h, c = session.run(None, inputs)
        yield from probabilities
        before = windows[-1, -_CONTEXT:]
        begin += _BATCH
