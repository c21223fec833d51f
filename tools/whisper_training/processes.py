"""Trains in several processes at once: each with its own batches, all with the mean of the gradients."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import distributed, multiprocessing

from tools.whisper_training.corpus import corpus_files
from tools.whisper_training.model import Shape
from tools.whisper_training.probe import PHONEMES
from tools.whisper_training.tokenizer import Vocabulary, build_vocabulary
from tools.whisper_training.train import Plan, Training


@dataclass(frozen=True, slots=True)
class Order:
    """A training in the folder ``work``, which contains ``corpus``: a number of steps, a checkpoint every few.

    ``states`` is the size of a batch, of all processes together; a checkpoint is measured with ``probes`` clips.
    """

    work: Path
    steps: int
    states: int
    every: int
    probes: int


def train(order: Order, processes: int) -> None:
    """Train, from the last checkpoint if there is one, until it is done.

    Raises ``FileNotFoundError`` without a corpus, ``ValueError`` if the checkpoint is of another model.
    """
    if not corpus_files(order.work):
        raise FileNotFoundError(f"{order.work / 'corpus'} has no corpus: speak it first")
    file = order.work / "tokenizer.json"
    if not file.exists():
        build_vocabulary().tokenizer.save(str(file), pretty=False)
    _training(order, Vocabulary.load(file), processes).resume()  # Raises here instead of in all processes.
    with tempfile.TemporaryDirectory() as folder:
        meeting = f"file://{folder}/meeting"
        multiprocessing.spawn(_take_part, (order, processes, meeting), nprocs=processes)


def _take_part(rank: int, order: Order, processes: int, meeting: str) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=processes)
    vocabulary = Vocabulary.load(order.work / "tokenizer.json")
    training = _training(order, vocabulary, processes)
    training.resume()
    with _Probes(order.work, order.probes) as probes:
        training.run(corpus_files(order.work), vocabulary, order.every, probes.start)
    distributed.destroy_process_group()


def _training(order: Order, vocabulary: Vocabulary, processes: int) -> Training:
    shape = Shape(vocabulary.end, len(vocabulary), PHONEMES)
    return Training(shape, Plan(order.steps, order.states // processes), order.work)


class _Probes:
    """Measures new checkpoints, in a separate process, while the training continues."""

    def __init__(self, work: Path, clips: int) -> None:
        self._command = [sys.executable, "-m", "tools.whisper_training", "probe"]
        self._command += ["--work", str(work), "--probes", str(clips)]
        self._clips = clips
        self._running: subprocess.Popen[bytes] | None = None
        self._is_late = False

    def start(self) -> None:
        """Measure the last checkpoint. While another is being measured, skip this one unless it is the last."""
        self._is_late = self._running is not None and self._running.poll() is None
        if self._clips and not self._is_late:
            self._running = subprocess.Popen(self._command)

    def __enter__(self) -> _Probes:
        return self

    def __exit__(self, *_: object) -> None:
        if self._running:
            self._running.wait()
        if self._is_late:
            subprocess.run(self._command, check=False)
