"""Measures a model: word error rates and errors of times, through the unmodified faster-whisper."""

from __future__ import annotations

import random
import re
from collections.abc import Container, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.whisper_training.corpus import word_times
from tools.whisper_training.features import SAMPLE_RATE
from tools.whisper_training.speech import Manner, speak, voice_names

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from numpy.typing import NDArray

    from tools.whisper_training.speech import Speech
    from tools.whisper_training.text import Sentences

SLOWEST, FASTEST = 0.75, 1.5  # speeds of the speech


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound, float32[samples] at 16 kHz, its text, and its times: words [words, 2], sentences [sentences, 2] (s)."""

    samples: NDArray[np.float32]
    text: str
    words: NDArray[np.float32]
    sentences: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Result:
    """Word error rate and letter error rate (shares of 1), and the share of clips without any error."""

    clips: int
    words: int
    word_errors: float
    letter_errors: float
    flawless: float
    sentence_start_error: float | None  # seconds, like those below: medians; None if no times are known
    sentence_end_error: float | None
    word_start_error: float | None
    word_end_error: float | None


def load(folder: Path, threads: int = 1) -> WhisperModel:
    """Load the model in ``folder`` as the server does, in 8 bits."""
    import ctranslate2
    from faster_whisper import WhisperModel

    ctranslate2.set_log_level(40)
    return WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
    )


def sentences_of(text: str) -> list[str]:
    """Return the sentences of a passage."""
    return re.split(r"(?<=[.?!]) ", text)


def new_sentence(sentence: Sentences, rng: random.Random, said: Container[str]) -> str:
    """Return a sentence of at least four words that is not in ``said``."""
    while True:
        text = sentence(rng)
        if len(text.split()) >= 4 and text not in said:
            return text


def clips(
    sentence: Sentences, count: int, seed: int, said: Container[str] = (), pitch_shifts: Sequence[int] = (0,)
) -> list[Clip]:
    """Return clips of new sentences in all voices in turn, at random speeds."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        text = new_sentence(sentence, rng, said)
        voice = voice_names()[number % len(voice_names())]
        made.append(clip([text], voice, rng, rng.choice(pitch_shifts)))
    return made


def long_clips(
    sentence: Sentences, count: int, seconds: float, seed: int, said: Container[str]
) -> list[Clip]:
    """Return clips of about that length, each of many new sentences in one voice without a break."""
    rng = random.Random(seed)
    made = []
    for number in range(count):
        voice = voice_names()[number % len(voice_names())]
        sentences: list[str] = []
        long = None
        while long is None or len(long.samples) < seconds * SAMPLE_RATE:
            sentences += [new_sentence(sentence, rng, said) for _ in range(4)]
            long = clip(sentences, voice, random.Random(seed + number))
        made.append(long)
    return made


def clip(sentences: Sequence[str], voice: str, rng: random.Random, pitch_shift: int = 0) -> Clip:
    """Return a clip of sentences in one voice without a break, at a random speed."""
    speech = speak(" ".join(sentences), Manner(voice, rng.uniform(SLOWEST, FASTEST), pitch_shift))
    return _clip(speech, sentences)


def joined(parts: Sequence[Clip], pause: float) -> Clip:
    """Join clips, with ``pause`` seconds in between."""
    silence = np.zeros(round(pause * SAMPLE_RATE), np.float32)
    sound: list[NDArray[np.float32]] = []
    words, sentences = [], []
    time = np.float32(0)
    for part in parts:
        sound += [part.samples, silence]
        words.append(part.words + time)
        sentences.append(part.sentences + time)
        time += np.float32((len(part.samples) + len(silence)) / SAMPLE_RATE)
    text = " ".join(part.text for part in parts)
    return Clip(np.concatenate(sound), text, np.concatenate(words), np.concatenate(sentences))


def evaluate(model: WhisperModel, heard: Sequence[Clip], *, words: bool = False, **options: Any) -> Result:
    """Transcribe the clips: in English, with a beam of 5 and no second try at another temperature.

    All else is as faster-whisper has it by default, unless ``options`` say otherwise.
    """
    options = {"language": "en", "beam_size": 5, "temperature": 0.0, "word_timestamps": words} | options
    wrong = letters_wrong = said = letters = flawless = 0
    sentence_errors: tuple[list[float], list[float]] = ([], [])
    starts: list[float] = []
    ends: list[float] = []
    for one in heard:
        segments = list(model.transcribe(one.samples, **options)[0])
        wanted, got = plain(one.text), plain(" ".join(segment.text for segment in segments))
        errors = distance(wanted, got)
        wrong, said = wrong + errors, said + len(wanted)
        letters_wrong += distance(" ".join(wanted), " ".join(got))
        letters += len(" ".join(wanted))
        flawless += errors == 0
        for column, times in enumerate(([s.start for s in segments], [s.end for s in segments])):
            sentence_errors[column].extend(_to_the_nearest(one.sentences[:, column], np.array(times)))
            if len(one.sentences):
                sentence_errors[column].extend(_to_the_nearest(np.array(times), one.sentences[:, column]))
        if words:
            _compare_words(one, [word for segment in segments for word in segment.words or ()], starts, ends)
    return Result(
        len(heard),
        said,
        wrong / max(said, 1),
        letters_wrong / max(letters, 1),
        flawless / max(len(heard), 1),
        *(median(errors) if errors else None for errors in (*sentence_errors, starts, ends)),
    )


def _to_the_nearest(times: NDArray[Any], others: NDArray[Any]) -> list[float]:
    """Return how far each of ``times`` is from the nearest of the others; infinity if there are none."""
    return [float(np.abs(others - time).min(initial=np.inf)) for time in times]


def plain(text: str) -> list[str]:
    """Return the words of a text, in lower case, without punctuation."""
    return re.sub("[^a-z0-9' ]+", " ", text.lower()).split()


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many insertions, deletions and replacements turn ``one`` into ``other``."""
    row = list(range(len(other) + 1))
    for i, x in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, y in enumerate(other, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (x != y))
    return row[-1]


def _clip(speech: Speech, sentences: Sequence[str]) -> Clip:
    times = word_times(speech)
    stops = np.cumsum([len(sentence.split()) for sentence in sentences])
    spans = [
        (times[start, 0], times[stop - 1, 1]) for start, stop in zip([0, *stops[:-1]], stops, strict=True)
    ]
    samples = speech.samples.astype(np.float32) / np.float32(32768)
    return Clip(samples, " ".join(sentences), times, np.array(spans, np.float32))


def _compare_words(clip: Clip, heard: Sequence[Any], starts: list[float], ends: list[float]) -> None:
    """Add the errors of the times of correctly transcribed words."""
    wanted = [" ".join(plain(word)) for word in clip.text.split()]
    got = [" ".join(plain(word.word)) for word in heard]
    for i, j, size in SequenceMatcher(None, wanted, got, autojunk=False).get_matching_blocks():
        for k in range(size):
            starts.append(abs(float(clip.words[i + k, 0]) - heard[j + k].start))
            ends.append(abs(float(clip.words[i + k, 1]) - heard[j + k].end))
