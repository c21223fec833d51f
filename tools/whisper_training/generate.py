"""Speaks the corpus: the requested number of shards, in several processes; existing ones are kept."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tools.whisper_training.corpus import make_shard
from tools.whisper_training.text import training_text


def generate(folder: Path, shards: int, processes: int, size: int) -> None:
    """Make the missing files of the corpus; ``size`` is the number of utterances in each."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{number:03}.npz" for number in range(shards)]
    missing = [(number, file) for number, file in enumerate(files) if not file.exists()]
    with ProcessPoolExecutor(processes) as workers:
        jobs = [workers.submit(make_shard, file, training_text, size, number) for number, file in missing]
        for job in jobs:
            job.result()
