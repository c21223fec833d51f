"""Spoken sentences on disk, in shards: made once, read often.

A shard is an uncompressed ``.npz``, of which only what is asked for is read. Frames are 100 a second, times in
seconds from the start of the utterance.
"""

from __future__ import annotations

import json
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.whisper_training.features import FRAME_RATE, Quantized, raw_spectrogram
from tools.whisper_training.speech import Speech, random_manner, speak

if TYPE_CHECKING:
    from numpy.typing import NDArray

LABEL_RATE = 50  # phoneme labels per second: one for each state of the encoder
MAX_SECONDS = 29.0  # seconds; longer utterances are left out
PAUSE = "_"


@dataclass(frozen=True, slots=True)
class Utterance:
    """One or several spoken sentences: ``words`` are float32[words, 2] with start and end, pauses left out."""

    text: str
    sound: Quantized
    words: NDArray[np.float32]
    phonemes: NDArray[np.uint8]

    @property
    def duration(self) -> float:
        """Return the duration in seconds, with the pause at its end."""
        return len(self.sound.levels) / FRAME_RATE

    def at_speed(self, factor: float) -> Utterance:
        """Return the utterance as if played faster by ``factor``, with a pitch that much higher."""
        times = (np.arange(round(len(self.phonemes) / factor)) * factor).astype(int)
        phonemes = self.phonemes[np.minimum(times, len(self.phonemes) - 1)]
        return Utterance(self.text, self.sound.at_speed(factor), self.words / np.float32(factor), phonemes)


class Corpus(Sequence[Utterance]):
    """The utterances of some shards. ``phoneme_names`` are those of the ids in ``Utterance.phonemes``."""

    def __init__(self, shards: Sequence[Path]) -> None:
        tables = [np.load(shard) for shard in shards]
        described = [json.loads(bytes(table["description"])) for table in tables]
        # In the order of their appearance: more shards do not change the ids.
        self.phoneme_names = list(dict.fromkeys(name for facts in described for name in facts["phonemes"]))
        self._texts: list[str] = []
        self._levels, self._words, self._phonemes = [], [], []
        self._peaks: list[float] = []
        for shard, table, facts in zip(shards, tables, described, strict=True):
            levels = _mapped(shard, "levels")
            ids = np.array([self.phoneme_names.index(name) for name in facts["phonemes"]], dtype=np.uint8)
            self._texts += facts["texts"]
            self._peaks += table["peaks"].tolist()
            self._levels += _split(levels, table["frames"])
            self._words += _split(table["words"], table["word_counts"])
            self._phonemes += _split(ids[table["labels"]], table["label_counts"])
        self.durations = np.array([len(levels) / FRAME_RATE for levels in self._levels])

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, index: int) -> Utterance:  # type: ignore[override]  # slices are not needed
        sound = Quantized(self._levels[index], self._peaks[index])
        return Utterance(self._texts[index], sound, self._words[index], self._phonemes[index])

    @property
    def texts(self) -> list[str]:
        """Return the text of each utterance."""
        return self._texts


def corpus_files(work: Path) -> list[Path]:
    """Return the shards in the folder of a training, in order."""
    return sorted((work / "corpus").glob("*[0-9].npz"), key=lambda file: int(file.stem))


def make_shard(file: Path, sentence: Callable[[random.Random], str], count: int, seed: int) -> None:
    """Speak ``count`` sentences and write them. The same seed gives the same texts and manners."""
    rng = random.Random(seed)
    names: dict[str, int] = {}
    texts: list[str] = []
    levels, peaks, words, labels = [], [], [], []
    while len(texts) < count:
        text = sentence(rng)
        speech = speak(text, random_manner(rng))
        if len(speech.samples) > MAX_SECONDS * 16_000 or len(speech.words) != len(text.split()):
            continue
        sound = Quantized.of(raw_spectrogram(speech.samples))
        texts.append(text)
        levels.append(sound.levels)
        peaks.append(sound.peak)
        words.append(word_times(speech))
        labels.append(_labels(speech, (len(sound.levels) + 1) // 2, names))
    description = json.dumps({"texts": texts, "phonemes": list(names)}).encode()
    partial = file.with_suffix(".partial.npz")
    np.savez(
        partial,
        description=np.frombuffer(description, np.uint8),
        levels=np.concatenate(levels),
        frames=np.array([len(part) for part in levels]),
        peaks=np.array(peaks, np.float32),
        words=np.concatenate(words),
        word_counts=np.array([len(part) for part in words]),
        labels=np.concatenate(labels),
        label_counts=np.array([len(part) for part in labels]),
    )
    partial.rename(file)


def word_times(speech: Speech) -> NDArray[np.float32]:
    """Return start and end of every word, float32[words, 2], without the pauses after them."""
    pauses = [start for name, start in speech.phonemes if name.startswith(PAUSE)]
    times = []
    for word in speech.words:
        cut = [pause for pause in pauses if word.start + 0.02 < pause < word.end]
        times.append((word.start, min(cut, default=word.end)))
    return np.array(times, np.float32).reshape(-1, 2)


def _labels(speech: Speech, count: int, names: dict[str, int]) -> NDArray[np.uint8]:
    """Return the phoneme at each 1/50 s, without stress; add new ones to ``names``."""
    starts = [round(start * LABEL_RATE) for _, start in speech.phonemes]
    labels = np.full(count, names.setdefault(PAUSE, len(names)), np.uint8)
    ends = [*starts[1:], count]
    for (name, _), start, end in zip(speech.phonemes, starts, ends, strict=True):
        plain = PAUSE if name.startswith(PAUSE) else name.lstrip("',%=|")
        labels[start:end] = names.setdefault(plain, len(names))
    return labels


def _mapped(shard: Path, name: str) -> NDArray[Any]:
    """Return an array of a shard, read on use and shared by all processes."""
    with zipfile.ZipFile(shard) as archive, archive.open(f"{name}.npy") as entry:
        np.lib.format.read_magic(entry)
        shape, _, dtype = np.lib.format.read_array_header_1_0(entry)
        header = entry.tell()
        start = archive.getinfo(f"{name}.npy").header_offset
    with shard.open("rb") as file:
        file.seek(start + 26)  # of the zip entry's own header: the lengths of its name and its extra field
        lengths = np.frombuffer(file.read(4), "<u2")
    offset = start + 30 + int(lengths.sum()) + header
    return np.asarray(np.memmap(shard, dtype, "r", offset, shape))


def _split(values: NDArray[Any], counts: NDArray[np.int64]) -> list[NDArray[Any]]:
    return np.split(values, np.cumsum(counts)[:-1])
