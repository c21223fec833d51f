"""The test cases of a model: the rows of the table. Only one row uses sentences of the training."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tools.whisper_training.lexicon import WORDS, dictionary_words, word_classes
from tools.whisper_training.measure import Clip, clip, clips, joined, long_clips, new_sentence
from tools.whisper_training.sounds import DISTURBANCES
from tools.whisper_training.speech import voice_names
from tools.whisper_training.text import (
    Sentences,
    everyday,
    project_sentences,
    unseen_words,
    with_one_of,
    with_several_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 2_000
PAUSE = 0.35  # seconds between voices that take turns
UNDISTURBED = "undisturbed"
SPELLED_OUT = ("number", "large", "day", "month", "greeting")  # word classes
OTHER_PITCHES = (-12, -11, -10, -9, 9, 10, 11, 12)  # training asks for -8 to 8


@dataclass(frozen=True, slots=True)
class Case:
    """A row of the table: the clips, and the share of words that may be wrong.

    ``clips`` makes about so many clips; its second argument is what was said in training.
    """

    clips: Callable[[int, Collection[str]], list[Clip]]
    count: int
    target: float | None = None
    words: bool = False


def cases() -> dict[str, Case]:
    """Return the rows by name."""
    rows = {
        "everyday sentences": Case(_some(everyday, 0), 500, 0.05),
        "the same, at pitches never asked for in training": Case(
            _some(everyday, 10, OTHER_PITCHES), 130, 0.05
        ),
        "the same, asked for word times": Case(_some(everyday, 1), 78, words=True),
        "numbers, days, months, greetings": Case(_some(_with_figures, 2), 100, 0.05),
        "sentences of this project (heard in training)": Case(_of_the_project, 60, 0.05),
        "sentences as people say them": Case(_natural, 60),
        "clips of 60 s": Case(_long, 10, 0.06),
        "several voices in a clip": Case(_dialogues, 10, 0.08),
        UNDISTURBED: Case(_some(everyday, 5), 130),
        **{name: Case(partial(_disturbed, disturb), 130) for name, disturb in DISTURBANCES.items()},
    }
    if dictionary_words():
        rows |= {
            "one word never heard before in each": Case(partial(_unseen, with_one_of), 200, 0.12),
            "several words never heard before": Case(partial(_unseen, with_several_of), 200, 0.12),
        }
    return rows


def _some(
    sentence: Sentences, seed: int, pitch_shifts: tuple[int, ...] = (0,)
) -> Callable[[int, Collection[str]], list[Clip]]:
    return lambda count, said: clips(sentence, count, SEED + seed, said, pitch_shifts)


def _disturbed(
    disturb: Callable[[NDArray[np.float32]], NDArray[np.float32]], count: int, said: Collection[str]
) -> list[Clip]:
    nowhen = np.empty((0, 2), np.float32)  # Some disturbances shift all times.
    return [
        Clip(disturb(one.samples).astype(np.float32), one.text, nowhen, nowhen)
        for one in clips(everyday, count, SEED + 5, said)
    ]


def _unseen(
    sentence: Callable[[random.Random, tuple[str, ...]], str], count: int, said: Collection[str]
) -> list[Clip]:
    rare = unseen_words(said)
    return clips(lambda rng: sentence(rng, rare), count, SEED + 3, said)


def _with_figures(rng: random.Random) -> str:
    """Return a sentence with a spelled-out number, a day, a month or a greeting in it."""
    wanted = {word for name in SPELLED_OUT for word in word_classes()[name]}
    while True:
        text = everyday(rng)
        if wanted & {word.strip(".,?!").lower() for word in text.split()} | wanted & set(text.split()):
            return text


def _of_the_project(count: int, said: Collection[str]) -> list[Clip]:
    sentences = [text for text in project_sentences() if text in said] or project_sentences()
    return clips(lambda rng: rng.choice(sentences), count, SEED + 6)


def _natural(count: int, _: Collection[str]) -> list[Clip]:
    lines = (WORDS / "natural.txt").read_text("utf-8").splitlines()
    sentences = [line for line in lines if not line.startswith("#")][:count]
    rng = random.Random(SEED + 7)
    return [clip([text], voice_names()[number % 13], rng) for number, text in enumerate(sentences)]


def _long(count: int, said: Collection[str]) -> list[Clip]:
    return long_clips(everyday, count, 60.0, SEED + 4, said)


def _dialogues(count: int, said: Collection[str]) -> list[Clip]:
    """Return clips of three or four voices that take turns, about 20 s."""
    rng = random.Random(SEED + 8)
    made = []
    for _ in range(count):
        voices = rng.sample(voice_names(), rng.choice((3, 4)))
        turns = [([new_sentence(everyday, rng, said)], voices[turn % len(voices)]) for turn in range(8)]
        made.append(joined([clip(sentences, voice, rng) for sentences, voice in turns], PAUSE))
    return made
