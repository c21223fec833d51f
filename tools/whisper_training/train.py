"""The training loop: losses, learning rate, and the checkpoints from which it continues after a stop."""

from __future__ import annotations

import copy
import csv
import math
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import Tensor, distributed
from torch.utils.data import DataLoader, IterableDataset

from tools.whisper_training.corpus import Corpus
from tools.whisper_training.model import CONTEXT, Heard, Shape, Whisper
from tools.whisper_training.tokenizer import Vocabulary
from tools.whisper_training.windows import Batch, Windows
from tools.whisper_training.writer import IGNORED

NOTED = 10  # steps that are averaged for a line of the curve
AVERAGING = 0.999  # of the weights from step to step; the average is what is exported


@dataclass(frozen=True, slots=True)
class Plan:
    """The length and the learning rate of a training. ``states`` (1/50 s) is the size of the batch of a process."""

    steps: int
    states: int
    peak: float = 2e-3
    warm_up: int = 300
    steady: float = 0.35  # the share of the steps after which the rate begins to fall, linearly, to nothing
    padding: int = 24  # states that stand for the padding of a window
    seed: int = 1

    def rate(self, step: int) -> float:
        """Return the learning rate."""
        rise = min(1.0, (step + 1) / self.warm_up)
        fall = min(1.0, (1 - step / self.steps) / (1 - self.steady))
        return self.peak * rise * max(fall, 0.0)


@dataclass(slots=True)
class Losses:
    """The losses in nats, and the accuracies as shares."""

    text: float = 0.0
    frame_token: float = 0.0
    phoneme: float = 0.0
    attention: float = 0.0
    text_right: float = 0.0
    frame_token_right: float = 0.0
    phoneme_right: float = 0.0


LOSSES = tuple(item.name for item in fields(Losses))
WEIGHTS = {"text": 1.0, "frame_token": 0.8, "phoneme": 0.4, "attention": 0.2}


class Training:
    """A model in training, with all that is needed to continue."""

    def __init__(self, shape: Shape, plan: Plan, folder: Path) -> None:
        torch.manual_seed(plan.seed)
        self.model = Whisper(shape)
        self.average = copy.deepcopy(self.model)
        self.plan = plan
        self.folder = folder
        self.step = 0
        self.cpu_seconds = 0.0
        self.wall_seconds = 0.0
        self._optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=plan.peak, betas=(0.9, 0.98), weight_decay=0.01, fused=True
        )

    def resume(self) -> None:
        """Load the last checkpoint, if there is one. Raise ``ValueError`` if it is another model's."""
        file = self.folder / "checkpoint.pt"
        if not file.exists():
            return
        state = torch.load(file, weights_only=True)
        try:
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
        except RuntimeError as error:
            raise ValueError(f"{file} is of a model of another shape: work in another folder") from error
        self._optimizer.load_state_dict(state["optimizer"])
        self.step, self.cpu_seconds, self.wall_seconds = state["step"], state["cpu"], state["wall"]

    def save(self) -> None:
        """Write the checkpoint."""
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self.step,
            "cpu": self.cpu_seconds,
            "wall": self.wall_seconds,
        }
        partial = self.folder / "checkpoint.partial"
        torch.save(state, partial)
        partial.rename(self.folder / "checkpoint.pt")

    def run(
        self, shards: Sequence[Path], vocabulary: Vocabulary, every: int, on_checkpoint: Callable[[], object]
    ) -> None:
        """Train on ``shards`` until the plan is done, with a checkpoint every ``every`` steps.

        Appends to ``curve.csv``.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        noted: list[Losses] = []
        cpu, wall = time.process_time(), time.monotonic()
        rank = distributed.get_rank() if distributed.is_initialized() else 0
        for batch in _loaded(shards, vocabulary, self.plan, self.step, rank):
            losses = self.learn(batch)
            if rank != 0:
                continue
            noted.append(losses)
            checkpoint = self.step % every == 0 or self.step == self.plan.steps
            if self.step % NOTED == 0 or checkpoint:
                self.cpu_seconds += time.process_time() - cpu
                self.wall_seconds += time.monotonic() - wall
                means = {name: _mean(getattr(losses, name) for losses in noted) for name in LOSSES}
                row = {"step": self.step, "cpu": self.cpu_seconds, "wall": self.wall_seconds, **means}
                if checkpoint:
                    self.save()
                    on_checkpoint()
                print(" ".join(f"{name}={value:.4g}" for name, value in row.items()), flush=True)
                _append(self.folder / "curve.csv", row)
                noted = []
                cpu, wall = time.process_time(), time.monotonic()

    def learn(self, batch: Batch) -> Losses:
        """Run one step."""
        for group in self._optimizer.param_groups:
            group["lr"] = self.plan.rate(self.step)
        self._optimizer.zero_grad(set_to_none=True)
        phase = random.Random(self.step).random()
        total, losses = self.loss(batch, phase)
        total.backward()  # type: ignore[no-untyped-call]
        _share_gradients(self.model)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self._optimizer.step()
        self.step += 1
        keep = min(AVERAGING, 1 - 1 / (1 + self.step / 10))
        with torch.no_grad():
            averages, values = list(self.average.parameters()), list(self.model.parameters())
            torch._foreach_lerp_(averages, values, 1 - keep)
        return losses

    def loss(self, batch: Batch, phase: float) -> tuple[Tensor, Losses]:
        """Return the losses, weighted and summed, and one by one."""
        model = self.model
        tokens, targets = torch.from_numpy(batch.tokens), torch.from_numpy(batch.targets)
        spans, samples = torch.from_numpy(batch.spans), torch.from_numpy(batch.samples)
        labels = torch.from_numpy(batch.phonemes)
        with torch.autocast("cpu", torch.bfloat16):
            heard = model.encode(torch.from_numpy(batch.mel), self.plan.padding, phase)
            vectors = model.vectors()
            # Train all positions in the text, also those after a long prompt.
            room = CONTEXT - tokens.shape[1]
            written, looks = model.decode(tokens, heard, vectors, int(max(0.0, 3 * phase - 2) * room))
            counted = targets != IGNORED
            scores = F.linear(written[counted], vectors).float()
            said = heard.states[samples[:, 0], samples[:, 1]]
            text = model.embedding[: model.shape.text_tokens]
            frame_scores = F.linear(model.frame_token(said), text).float()
        wanted = targets[counted]
        phoneme_scores = heard.phonemes[:, : labels.shape[1]].flatten(0, 1).float()
        parts = {
            "text": F.cross_entropy(scores, wanted, label_smoothing=0.02),
            "frame_token": F.cross_entropy(frame_scores, samples[:, 2]) if len(samples) else scores.sum() * 0,
            "phoneme": F.cross_entropy(phoneme_scores, labels.flatten()),
            "attention": _attention_loss(looks, heard, spans, counted),
        }
        with torch.no_grad():
            losses = Losses(
                **{name: part.item() for name, part in parts.items()},
                text_right=_share(scores, wanted),
                frame_token_right=_share(frame_scores, samples[:, 2]),
                phoneme_right=_share(phoneme_scores, labels.flatten()),
            )
        total = torch.stack([WEIGHTS[name] * part for name, part in parts.items()]).sum()
        return total, losses


def _share_gradients(model: Whisper) -> None:
    """Replace the gradients by the mean of all processes."""
    if distributed.is_initialized():
        for value in model.parameters():
            if value.grad is None:  # The batch of this process did not use it.
                value.grad = torch.zeros_like(value)
        gradients = [value.grad for value in model.parameters()]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= distributed.get_world_size()
        parts = flat.split([gradient.numel() for gradient in gradients])
        torch._foreach_copy_(
            gradients, [part.view_as(old) for part, old in zip(parts, gradients, strict=True)]
        )


def _attention_loss(looks: list[Tensor], heard: Heard, spans: Tensor, counted: Tensor) -> Tensor:
    """Return how little the guided heads attend to the place where their token sounds.

    In the first layer head 1 is to attend to the token just read, in the last one heads 0 and 1 to the next.
    """
    read, written = spans[:, :-1], spans[:, 1:]
    guided = ((looks[0][:, 1], read), (looks[-1][:, 0], written), (looks[-1][:, 1], written))
    positions = torch.arange(len(heard.bias))
    losses = []
    for scores, where in guided:
        valid = counted & (where[..., 1] > where[..., 0])
        low, high = where[valid][:, :1], where[valid][:, 1:]
        outside = (positions < low) | (positions > high)
        logits = scores[valid].float()
        inside = logits.masked_fill(outside, -1e4).logsumexp(-1)
        losses.append(
            (logits.logsumexp(-1) - inside).clamp(max=20).mean() if len(logits) else scores.sum() * 0
        )
    return torch.stack(losses).sum()


def _share(scores: Tensor, wanted: Tensor) -> float:
    return (scores.argmax(-1) == wanted).float().mean().item() if len(wanted) else math.nan


def _mean(values: Iterable[float]) -> float:
    """Return the mean of the known values: not every batch has speech in it."""
    known = [value for value in values if not math.isnan(value)]
    return sum(known) / len(known) if known else math.nan


def _append(file: Path, row: dict[str, Any]) -> None:
    names = ["step", "cpu", "wall", *LOSSES]
    new = not file.exists()
    with file.open("a", newline="") as out:
        writer = csv.DictWriter(out, names, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow({name: f"{value:.5g}" for name, value in row.items()})


class _Stream(IterableDataset[Batch]):
    """The batches from a step on, made in another process.

    That process opens the corpus itself: passing it would read and copy all of it.
    """

    def __init__(
        self, shards: Sequence[Path], vocabulary_json: str, plan: Plan, start: int, rank: int
    ) -> None:
        self._shards, self._vocabulary, self._plan = shards, vocabulary_json, plan
        self._start, self._rank = start, rank

    def __iter__(self) -> Iterator[Batch]:
        from tokenizers import Tokenizer

        vocabulary = Vocabulary(Tokenizer.from_str(self._vocabulary))
        seed = self._plan.seed * 1_000_003 + 16 * self._start + self._rank
        windows = Windows(Corpus(self._shards), vocabulary, seed, self._plan.states)
        for step in range(self._start, self._plan.steps):
            yield windows.batch(step, self._plan.steps)


def _loaded(
    shards: Sequence[Path], vocabulary: Vocabulary, plan: Plan, start: int, rank: int
) -> Iterator[Batch]:
    stream = _Stream(shards, vocabulary.tokenizer.to_str(), plan, start, rank)
    loader = DataLoader(stream, batch_size=None, num_workers=1, prefetch_factor=6, collate_fn=_same)
    yield from loader


def _same(batch: Batch) -> Batch:
    return batch
