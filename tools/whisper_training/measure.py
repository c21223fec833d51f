"""How well a model understands: word error rates and errors of times, through the unmodified faster-whisper."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.whisper_training.corpus import word_times
from tools.whisper_training.speech import Manner, speak, voice_names

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from numpy.typing import NDArray

    from tools.whisper_training.speech import Speech

SLOWEST, FASTEST = 0.75, 1.5  # speeds at which speech is to be understood


@dataclass(frozen=True, slots=True)
class Clip:
    """A sound, float32[samples] at 16 kHz, what is said in it, and when: [words, 2], [sentences, 2] (s)."""

    samples: NDArray[np.float32]
    text: str
    words: NDArray[np.float32]
    sentences: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Result:
    """Word error rate and error in letters (shares of 1), and the share of clips heard without any error."""

    clips: int
    words: int
    word_errors: float
    letter_errors: float
    flawless: float
    segment_error: float = 0.0  # s; median, starts and ends
    word_start_error: float = 0.0
    word_end_error: float = 0.0


def load(folder: Path, threads: int = 1) -> WhisperModel:
    """The model in ``folder``, as the server loads it, in 8 bits."""
    import ctranslate2
    from faster_whisper import WhisperModel

    ctranslate2.set_log_level(40)
    return WhisperModel(
        str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
    )


def clips(
    sentence: Callable[[random.Random], str], count: int, seed: int, said: Iterable[str] = ()
) -> list[Clip]:
    """Sentences of at least four words not among ``said``, in all voices in turn, at random speeds."""
    rng = random.Random(seed)
    known = set(said)
    made: list[Clip] = []
    while len(made) < count:
        text = sentence(rng)
        if len(text.split()) >= 4 and text not in known:
            made.append(clip([text], voice_names()[len(made) % len(voice_names())], rng))
    return made


def clip(sentences: Sequence[str], voice: str, rng: random.Random) -> Clip:
    """Sentences said in one go by a voice, at a random speed."""
    speech = speak(" ".join(sentences), Manner(voice, rng.uniform(SLOWEST, FASTEST)))
    return _clip(speech, sentences)


def joined(parts: Sequence[Clip], pause: float) -> Clip:
    """Clips one after the other, ``pause`` seconds in between."""
    silence = np.zeros(round(pause * 16_000), np.float32)
    sound: list[NDArray[np.float32]] = []
    words, sentences = [], []
    time = np.float32(0)
    for part in parts:
        sound += [part.samples, silence]
        words.append(part.words + time)
        sentences.append(part.sentences + time)
        time += np.float32((len(part.samples) + len(silence)) / 16_000)
    text = " ".join(part.text for part in parts)
    return Clip(np.concatenate(sound), text, np.concatenate(words), np.concatenate(sentences))


def evaluate(model: WhisperModel, heard: Sequence[Clip], *, words: bool = False, **options: Any) -> Result:
    """Hears the clips, by default as the server does: beam of 5, no second try at another temperature."""
    options = {"language": "en", "beam_size": 5, "temperature": 0.0, "word_timestamps": words} | options
    wrong = letters_wrong = said = letters = flawless = 0
    segment_errors: list[float] = []
    starts: list[float] = []
    ends: list[float] = []
    for clip in heard:
        segments = list(model.transcribe(clip.samples, **options)[0])
        text = " ".join(segment.text.strip() for segment in segments)
        wanted, got = plain(clip.text), plain(text)
        errors = distance(wanted, got)
        wrong, said = wrong + errors, said + len(wanted)
        letters_wrong += distance(" ".join(wanted), " ".join(got))
        letters += len(" ".join(wanted))
        flawless += errors == 0
        if segments:
            for column, times in enumerate(([s.start for s in segments], [s.end for s in segments])):
                segment_errors += [
                    float(np.abs(np.array(times) - t).min()) for t in clip.sentences[:, column]
                ]
        if words:
            _compare_words(clip, [word for segment in segments for word in segment.words or ()], starts, ends)
    return Result(
        len(heard),
        said,
        wrong / max(said, 1),
        letters_wrong / max(letters, 1),
        flawless / max(len(heard), 1),
        median(segment_errors or [0.0]),
        median(starts or [0.0]),
        median(ends or [0.0]),
    )


def plain(text: str) -> list[str]:
    """The words of a text, in lower case, without punctuation."""
    return re.sub("[^a-z0-9' ]+", " ", text.lower()).split()


def distance(one: Sequence[str], other: Sequence[str]) -> int:
    """How many insertions, deletions and replacements make ``other`` of ``one``."""
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
    """Adds the errors of the times of words that were heard right."""
    wanted = [" ".join(plain(word)) for word in clip.text.split()]
    got = [" ".join(plain(word.word)) for word in heard]
    for i, j, size in SequenceMatcher(None, wanted, got, autojunk=False).get_matching_blocks():
        for k in range(size):
            starts.append(abs(float(clip.words[i + k, 0]) - heard[j + k].start))
            ends.append(abs(float(clip.words[i + k, 1]) - heard[j + k].end))
