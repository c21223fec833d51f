"""Trains the embedded model from nothing: ``python -m tools.whisper_training``.

Speaks the corpus, trains, exports, measures and draws the curve. After a stop it continues with the missing
shards, or from the last checkpoint.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tools.whisper_training.lexicon import SYSTEM_WORD_LIST

ROOT = Path(__file__).parents[2]
MODEL = ROOT / "fixtures" / "whisper" / "embedded"
CURVE = ROOT / "docs" / "embedded-whisper-curve.svg"
FIGURES = Path(__file__).parent / "figures.json"


def main(arguments: list[str] | None = None) -> None:
    """Run what the command line asks for."""
    options = _options(arguments)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"  # Processes share the work, threads would wait for each other.
    stages = {"speak": _speak, "train": _train, "export": _export, "measure": _measure, "probe": _probe}
    chosen = list(stages)[:4] if options.command == "all" else [options.command]
    try:
        for name in chosen:
            stages[name](options)
    except (ValueError, FileNotFoundError) as error:
        raise SystemExit(f"error: {error}") from error


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.whisper_training", description=__doc__)
    parser.add_argument(
        "command",
        nargs="?",
        choices=("all", "speak", "train", "probe", "export", "measure"),
        default="all",
        help="all of it, or one stage: speak the corpus, train, export the last checkpoint, measure and draw; "
        "probe measures the last checkpoint briefly while the training continues",
    )
    parser.add_argument("--work", type=Path, default=Path("build/whisper-training"), help="folder to work in")
    parser.add_argument("--shards", type=int, default=76, help="size of the corpus, in shards")
    parser.add_argument("--shard-size", type=int, default=4000, help="utterances in a shard")
    parser.add_argument(
        "--allow-no-words",
        action="store_true",
        help=f"go on where {SYSTEM_WORD_LIST} is missing, with everyday words alone",
    )
    parser.add_argument(
        "--steps", type=int, default=14_500, help="length of the training; may be changed later"
    )
    parser.add_argument(
        "--states",
        type=int,
        default=10_000,
        help="size of a batch, of all processes together, in 1/50 s of sound",
    )
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--every", type=int, default=250, help="steps between checkpoints")
    parser.add_argument("--probes", type=int, default=30, help="clips to measure a checkpoint with")
    parser.add_argument("--model", type=Path, default=MODEL, help="where to publish the model")
    parser.add_argument("--curve", type=Path, default=CURVE, help="where to draw the curve")
    parser.add_argument("--figures", type=Path, default=FIGURES, help="where to write what was measured")
    parser.add_argument("--scale", type=float, default=1.0, help="how many clips to measure with; 1 is all")
    return parser.parse_args(arguments)


def _speak(options: argparse.Namespace) -> None:
    from tools.whisper_training.generate import generate

    if not SYSTEM_WORD_LIST.is_file() and not options.allow_no_words:
        raise FileNotFoundError(
            f"{SYSTEM_WORD_LIST} is missing. Install the package wamerican, or use --allow-no-words."
        )
    generate(options.work / "corpus", options.shards, options.processes, options.shard_size)


def _train(options: argparse.Namespace) -> None:
    from tools.whisper_training.processes import Order, train

    train(
        Order(options.work, options.steps, options.states, options.every, options.probes), options.processes
    )


def _export(options: argparse.Namespace) -> None:
    from tools.whisper_training.export import export
    from tools.whisper_training.probe import trained_model

    model, vocabulary, _ = trained_model(options.work)
    export(model, vocabulary, options.model)


def _measure(options: argparse.Namespace) -> None:
    from tools.whisper_training import curve, report
    from tools.whisper_training.corpus import Corpus, corpus_files

    files = corpus_files(options.work)
    if not files:
        raise FileNotFoundError(
            f"{options.work / 'corpus'} has no corpus, which measuring needs. Run the stage speak."
        )
    figures = report.measure(options.model, Corpus(files).texts, options.processes, scale=options.scale)
    report.write(figures, options.figures)
    print(report.markdown(figures))
    if (options.work / "curve.csv").exists():
        curve.plot(options.work, options.curve)


def _probe(options: argparse.Namespace) -> None:
    from tools.whisper_training.probe import probe

    print(probe(options.work, options.probes), flush=True)


if __name__ == "__main__":
    main()
