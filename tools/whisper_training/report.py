"""Measures a finished model in every respect, and writes the tables of the documentation."""

from __future__ import annotations

import hashlib
import json
import math
import multiprocessing
import random
import time
from collections.abc import Collection, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tools.whisper_training.cases import SEED, UNDISTURBED, cases
from tools.whisper_training.features import SAMPLE_RATE
from tools.whisper_training.lexicon import everyday_forms
from tools.whisper_training.measure import Result, clip, evaluate, load, sentences_of
from tools.whisper_training.sounds import DISTURBANCES, speechless
from tools.whisper_training.text import everyday

if TYPE_CHECKING:
    from faster_whisper import WhisperModel

ALLOWED = 0.03  # more word errors than undisturbed
TONES = 100


def measure(folder: Path, texts: Iterable[str], processes: int, *, scale: float = 1.0) -> dict[str, Any]:
    """Return all figures of the model in ``folder``. ``texts`` were in the training; ``scale`` shrinks the samples."""
    said = frozenset(sentence for text in texts for sentence in sentences_of(text))
    started = time.perf_counter()
    model = load(folder, threads=2)
    figures: dict[str, Any] = {
        "load_seconds": round(time.perf_counter() - started, 3),
        "model_sha256": hashlib.sha256((folder / "model.bin").read_bytes()).hexdigest(),
        "size_bytes": sum(file.stat().st_size for file in folder.iterdir()),
        "real_time_factor": round(_real_time_factor(model), 3),
        "everyday_forms": len(everyday_forms()),
        **_invented(model, max(2, round(TONES * scale))),
        "rows": [],
    }
    rows = cases()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as workers:
        jobs = {name: workers.submit(_heard, folder, name, said, scale) for name in rows}
        for name, job in jobs.items():
            result = job.result()
            print(f"{name}: {100 * result.word_errors:.1f} % of {result.words} words", flush=True)
            figures["rows"].append({"name": name, "target": rows[name].target, **_known(result)})
    undisturbed = _row(figures, UNDISTURBED)["word_errors"]
    for name in DISTURBANCES:
        _row(figures, name)["target"] = undisturbed + ALLOWED
    return figures


def _known(result: Result) -> dict[str, Any]:
    """Return the result without unknown times."""
    return {name: value for name, value in asdict(result).items() if value is not None and value != math.inf}


def _heard(folder: Path, name: str, said: Collection[str], scale: float) -> Result:
    case = cases()[name]
    clips = case.clips(max(2, round(case.count * scale)), said)
    return evaluate(load(folder), clips, words=case.words)


def _real_time_factor(model: WhisperModel) -> float:
    """Return seconds of work per second of sound, in a clip of 10 s: the median of several."""
    rng = random.Random(SEED + 9)
    sentences = [everyday(rng)]
    while len((spoken := clip(sentences, "alloy", random.Random(0))).samples) < 10 * SAMPLE_RATE:
        sentences.append(everyday(rng))
    factors = []
    for _ in range(7):
        started = time.perf_counter()
        list(
            model.transcribe(spoken.samples[: 10 * SAMPLE_RATE], language="en", beam_size=5, temperature=0.0)[
                0
            ]
        )
        factors.append((time.perf_counter() - started) / 10)
    return float(np.median(factors))


def _invented(model: WhisperModel, tones: int) -> dict[str, Any]:
    """Return how many sounds without speech got a transcript, and for each sound some of these transcripts."""
    invented = {}
    count = 0
    for name, sound in speechless(SEED + 10, tones):
        count += 1
        segments = list(model.transcribe(sound, language="en", beam_size=5, temperature=0.0)[0])
        if text := " ".join(segment.text.strip() for segment in segments):
            invented[name] = text
    return {"speechless": count, "invented": invented}


def markdown(figures: dict[str, Any]) -> str:
    """Return the figures as tables for the documentation."""
    lines = [
        "| test set | clips | words | word errors | letter errors | clips without an error | target |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in figures["rows"]:
        target = "" if row["target"] is None else f"≤ {100 * row['target']:.1f} %"
        lines.append(
            f"| {row['name']} | {row['clips']} | {row['words']} | {100 * row['word_errors']:.1f} % "
            f"| {100 * row['letter_errors']:.1f} % | {100 * row['flawless']:.0f} % | {target} |"
        )
    long, timed = (
        _row(figures, "clips of 60 s"),
        _row(figures, "the same, asked for word times"),
    )
    facts = (
        ("size of the folder", f"{figures['size_bytes'] / 1e6:.2f} MB", "≤ 5 MB"),
        ("time to load", f"{figures['load_seconds']:.2f} s", ""),
        ("real-time factor, clip of 10 s, two threads", f"{figures['real_time_factor']:.2f}", "≤ 0.3"),
        (
            "starts of sentences in clips of 60 s, median error",
            _seconds(long["sentence_start_error"]),
            "≤ 0.2 s",
        ),
        ("ends of sentences in clips of 60 s, median error", _seconds(long["sentence_end_error"]), "≤ 0.2 s"),
        ("starts of words, median error", _seconds(timed["word_start_error"]), "≤ 0.15 s"),
        ("ends of words, median error", _seconds(timed["word_end_error"]), "≤ 0.15 s"),
        ("word forms the everyday sentences are made of", str(figures["everyday_forms"]), "≥ 3,000"),
        (
            f"silence, noises and tones ({figures['speechless']} clips, 0.5 to 40 s) in which something is heard",
            str(len(figures["invented"])),
            "0",
        ),
    )
    lines += ["", "| | measured | target |", "|---|---|---|", *(f"| {' | '.join(fact)} |" for fact in facts)]
    return "\n".join(lines) + "\n"


def _row(figures: dict[str, Any], name: str) -> dict[str, Any]:
    return next(row for row in figures["rows"] if row["name"] == name)


def _seconds(value: float) -> str:
    return f"{value:.2f} s"


def write(figures: dict[str, Any], file: Path) -> None:
    """Write the figures as JSON."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")
