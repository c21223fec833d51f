"""Plots a training: accuracy and word errors over minutes."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def plot(folder: Path, picture: Path) -> None:
    """Plot the training in ``folder``: ``curve.csv``, and ``probes.csv`` if it was probed."""
    from matplotlib.figure import Figure

    curve = _columns(folder / "curve.csv")
    probes = _columns(folder / "probes.csv") if (folder / "probes.csv").exists() else {}
    figure = Figure(figsize=(8, 6), layout="constrained")
    learnt, errors = figure.subplots(2, 1, sharex=True)
    for name, label in (
        ("phoneme_right", "phonemes of frames"),
        ("frame_token_right", "words of frames"),
        ("text_right", "tokens of the text"),
    ):
        learnt.plot(np.array(curve["wall"]) / 60, 100 * _smoothed(curve[name]), label=label)
    learnt.set_ylabel("right in training (%)")
    for name, label in (
        ("everyday", "everyday sentences"),
        ("unseen", "unseen words"),
        ("long", "clips of 60 s"),
    ):
        if probes:
            minutes = np.array(probes["wall"]) / 60
            errors.plot(minutes, 100 * np.array(probes[name]), "o-", markersize=3, label=label)
    errors.set(xlabel="minutes of training", ylabel="word errors (%)", ylim=(0, 120))
    for axes in (learnt, errors):
        axes.grid(alpha=0.3)
        if axes.has_data():
            axes.legend()
    figure.savefig(picture, metadata={"Date": None} if picture.suffix == ".svg" else None)


def _smoothed(values: Sequence[float]) -> NDArray[np.float64]:
    """Return the running mean; unknown values are taken from their neighbours."""
    numbers = np.array(values)
    known = np.flatnonzero(~np.isnan(numbers))
    numbers = np.interp(np.arange(len(numbers)), known, numbers[known])
    width = min(15, len(numbers))
    padded = np.pad(numbers, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.ones(width) / width, "valid")


def _columns(file: Path) -> dict[str, list[float]]:
    """Return the columns of a table whose rows are steps; of repeated steps, the last row."""
    with file.open(newline="") as rows:
        table = [{name: float(value or "nan") for name, value in row.items()} for row in csv.DictReader(rows)]
    latest = {row["step"]: row for row in table}
    return {name: [latest[step][name] for step in sorted(latest)] for name in table[0]}
