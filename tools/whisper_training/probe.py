"""Probes a training: exports its last checkpoint and measures it on a few clips, for the curve."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import torch

from tools.whisper_training.corpus import Corpus, corpus_files
from tools.whisper_training.export import export
from tools.whisper_training.measure import Clip, clips, evaluate, load, long_clips, sentences_of
from tools.whisper_training.model import Shape, Whisper
from tools.whisper_training.text import everyday, unseen_words, with_several_of
from tools.whisper_training.tokenizer import Vocabulary

PHONEMES = 96  # enough for all English phonemes of espeak-ng
SEED = 99


def trained_model(folder: Path) -> tuple[Whisper, Vocabulary, dict[str, float]]:
    """Return the averaged model of the last checkpoint in ``folder``, and its duration (steps, seconds)."""
    vocabulary = Vocabulary.load(folder / "tokenizer.json")
    state = torch.load(folder / "checkpoint.pt", weights_only=True, map_location="cpu")
    model = Whisper(Shape(vocabulary.end, len(vocabulary), PHONEMES))
    model.load_state_dict(state["average"])
    return model.eval(), vocabulary, {name: state[name] for name in ("step", "cpu", "wall")}


def probe(folder: Path, count: int) -> dict[str, float]:
    """Return word error rates of the last checkpoint; append them to ``probes.csv``."""
    torch.set_num_threads(1)
    model, vocabulary, row = trained_model(folder)
    export(model, vocabulary, folder / "model")
    whisper = load(folder / "model")
    texts = Corpus(corpus_files(folder)).texts
    said = frozenset(sentence for text in texts for sentence in sentences_of(text))
    rare = unseen_words(said)

    def with_rare(rng: random.Random) -> str:
        return with_several_of(rng, rare) if rare else everyday(rng)

    heard: dict[str, list[Clip]] = {
        "everyday": clips(everyday, count, SEED, said),
        "unseen": clips(with_rare, max(1, count // 2), SEED, said),
        "long": long_clips(everyday, max(1, count // 20), 60.0, SEED, said),
    }
    row |= {name: evaluate(whisper, some, beam_size=1).word_errors for name, some in heard.items()}
    file = folder / "probes.csv"
    new = not file.exists()
    with file.open("a", newline="") as out:
        writer = csv.DictWriter(out, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.5g}" for name, value in row.items()})
    return row
