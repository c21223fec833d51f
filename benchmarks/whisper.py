"""Transcription through the server, against calling faster-whisper directly with the same settings."""

from __future__ import annotations

import io
import json
import statistics
import time
from typing import TYPE_CHECKING

from benchmarks.client import exchange, upload
from benchmarks.clips import PASSAGE, seconds_of, spoken
from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Row
from mockserver.engines.whisper.models import find_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report import Options

_ROUNDS = 20
_THREADS = 1
_TARGET = 1.05
# Above 0, so that a poor result is not retried; barely above, so that both give the same transcript.
_TEMPERATURE = 1e-6


def run(options: Options) -> Iterator[Row]:
    """Use one thread each: more would spin while they wait for one another, which would be measured, too."""
    model = find_model(options.model)
    if model is None:
        yield Row("hearing a clip", note="not measured: no Whisper model here; give one with --model FOLDER")
        return
    from faster_whisper import WhisperModel

    clip = spoken(f"{PASSAGE} {PASSAGE}")
    request = upload(
        "/v1/audio/transcriptions", {"model": "whisper-1", "temperature": str(_TEMPERATURE)}, clip
    )
    direct = WhisperModel(model, device="cpu", cpu_threads=_THREADS, local_files_only=True)
    arguments = ("--whisper-model", model, "--whisper-device", "cpu", "--whisper-cpu-threads", str(_THREADS))
    environment = clean_environment()
    walls: tuple[list[float], list[float]] = ([], [])
    cpu = [0.0, 0.0]
    with mockserver(*arguments, "--remember-speech", "0", environment=environment) as server:
        for number in range(1 + _ROUNDS):
            before = server.cpu_seconds()
            (reply,) = exchange(server.address, request)
            ours = server.cpu_seconds() - before, reply.seconds
            cpu_before, wall_before = time.process_time(), time.perf_counter()
            segments, _ = direct.transcribe(
                io.BytesIO(clip),
                beam_size=5,
                temperature=_TEMPERATURE,
            )
            heard = " ".join(segment.text.strip() for segment in segments)
            theirs = time.process_time() - cpu_before, time.perf_counter() - wall_before
            if number == 0:  # warms up both
                _check_same(bytes(reply.body), heard)
                continue
            for index, (cpu_seconds, wall) in enumerate((ours, theirs)):
                cpu[index] += cpu_seconds
                walls[index].append(wall)
    note = f"{seconds_of(clip):.0f} s of speech, {_ROUNDS} rounds"
    yield Row("CPU time", "ms", cpu[0] / _ROUNDS * 1000, cpu[1] / _ROUNDS * 1000, _TARGET, note)
    ours_wall, their_wall = (statistics.median(wall) * 1000 for wall in walls)
    yield Row("wall time, median", "ms", ours_wall, their_wall, _TARGET)


def _check_same(body: bytes, transcript: str) -> None:
    text = json.loads(body)["text"]
    if text != transcript:
        raise RuntimeError(f"The transcripts differ: {text!r} and {transcript!r}")
