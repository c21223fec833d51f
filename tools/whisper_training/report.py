"""Measures a finished model in every respect that matters, and writes the table and the curve."""

from __future__ import annotations

import csv
import io
import json
import multiprocessing
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mockserver.audio.decode import decode
from mockserver.engines.speech import SPEECH_SAMPLE_RATE
from tools.whisper_training.lexicon import WORDS, everyday_forms
from tools.whisper_training.measure import Clip, Result, clip, clips, evaluate, joined, load
from tools.whisper_training.probe import long_clips
from tools.whisper_training.speech import voice_names
from tools.whisper_training.text import everyday, of_the_project, with_unseen

if TYPE_CHECKING:
    from av import AudioStream
    from faster_whisper import WhisperModel
    from numpy.typing import NDArray

SEED = 2_000
UNDISTURBED = "undisturbed"
PAUSE = 0.35  # seconds between voices that take turns


@dataclass(frozen=True, slots=True)
class Case:
    """A line of the table: what is heard, and the share of words that may be wrong.

    ``clips`` makes what is heard, of about ``count`` clips, none of which says what was said in training.
    """

    clips: Callable[[int, frozenset[str]], list[Clip]]
    count: int
    target: float | None = None
    words: bool = False
    alone: bool = False  # each window of 30 s without what was heard before as its prompt


def measure(folder: Path, said: Iterable[str], processes: int, *, scale: float = 1.0) -> dict[str, Any]:
    """All figures of the model in ``folder``. ``said`` was said in training; ``scale`` shrinks the samples."""
    known = frozenset(said)
    started = time.perf_counter()
    model = load(folder, threads=2)
    load_time = time.perf_counter() - started
    figures: dict[str, Any] = {
        "size_bytes": sum(file.stat().st_size for file in folder.iterdir()),
        "load_seconds": round(load_time, 3),
        "real_time_factor": round(_real_time_factor(model), 3),
        "everyday_forms": len(everyday_forms()),
        "invented": _invented(model),
        "rows": [],
    }
    cases = _cases()
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as workers:
        jobs = {name: workers.submit(_heard, folder, name, known, scale) for name in cases}
        for name, job in jobs.items():
            result = job.result()
            print(f"{name}: {100 * result.word_errors:.1f} % of {result.words} words", flush=True)
            figures["rows"].append({"name": name, "target": cases[name].target, **asdict(result)})
    undisturbed = next(row["word_errors"] for row in figures["rows"] if row["name"] == UNDISTURBED)
    for row in figures["rows"]:
        if row["name"] in _DISTURBANCES:
            row["target"] = undisturbed + 0.03
    return figures


def _heard(folder: Path, name: str, known: frozenset[str], scale: float) -> Result:
    case = _cases()[name]
    clips = case.clips(max(2, round(case.count * scale)), known)
    return evaluate(load(folder), clips, words=case.words, condition_on_previous_text=not case.alone)


def _cases() -> dict[str, Case]:
    """The lines of the table by their names."""

    def some(
        sentence: Callable[[random.Random], str], seed: int
    ) -> Callable[[int, frozenset[str]], list[Clip]]:
        return lambda count, known: clips(sentence, count, SEED + seed, known)

    def disturbed(disturb: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Case:
        def changed(count: int, known: frozenset[str]) -> list[Clip]:
            return [_changed(one, disturb) for one in some(everyday, 5)(count, known)]

        return Case(changed, 78)

    return {
        "everyday sentences": Case(some(everyday, 0), 500, 0.05),
        "the same, asked for word times": Case(some(everyday, 1), 78, words=True),
        "numbers, days, months, greetings": Case(some(_with_figures, 2), 100, 0.05),
        "dictionary words never heard before": Case(some(with_unseen, 3), 100, 0.12),
        "sentences of this project (heard in training)": Case(
            lambda count, _: clips(of_the_project, count, SEED + 6), 60, 0.05
        ),
        "sentences as people say them": Case(lambda count, _: _natural_clips(count), 60),
        "clips of 60 s": Case(lambda count, _: long_clips(count, 60.0, SEED + 4), 10, 0.06),
        "clips of 60 s, each window alone": Case(
            lambda count, _: long_clips(count, 60.0, SEED + 4), 10, 0.06, alone=True
        ),
        "several voices in a clip": Case(lambda count, _: _dialogues(count), 10, 0.08),
        UNDISTURBED: disturbed(lambda samples: samples),
        **{name: disturbed(disturb) for name, disturb in _DISTURBANCES.items()},
    }


def _with_figures(rng: random.Random) -> str:
    """A sentence with a spelled-out number, a day, a month or a greeting in it."""
    from tools.whisper_training.lexicon import word_classes

    wanted = {
        word for name in ("number", "large", "day", "month", "greeting") for word in word_classes()[name]
    }
    while True:
        text = everyday(rng)
        if wanted & {word.strip(".,?!").lower() for word in text.split()} | wanted & set(text.split()):
            return text


def _natural_clips(count: int) -> list[Clip]:
    lines = (WORDS / "natural.txt").read_text("utf-8").splitlines()
    sentences = [line for line in lines if not line.startswith("#")][:count]
    rng = random.Random(SEED + 7)
    return [clip([text], voice_names()[number % 13], rng) for number, text in enumerate(sentences)]


def _dialogues(count: int) -> list[Clip]:
    """Three or four voices that take turns, about 20 s."""
    rng = random.Random(SEED + 8)
    made = []
    for _ in range(count):
        voices = rng.sample(voice_names(), rng.choice((3, 4)))
        parts = [clip([everyday(rng)], voices[turn % len(voices)], rng) for turn in range(8)]
        made.append(joined(parts, PAUSE))
    return made


def _changed(clip: Clip, disturb: Callable[[NDArray[np.float32]], NDArray[np.float32]]) -> Clip:
    return Clip(disturb(clip.samples).astype(np.float32), clip.text, clip.words, clip.sentences)


def _coded(
    samples: NDArray[np.float32], container: str, codec: str, rate: int, bit_rate: int
) -> NDArray[np.float32]:
    """Through a codec, from and to 16 kHz."""
    import av

    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = cast("AudioStream", file.add_stream(codec, rate=rate, layout="mono"))
        stream.bit_rate = bit_rate
        pcm = np.clip(samples * 32768, -32768, 32767).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate = 16_000
        resampler = av.AudioResampler(stream.format, "mono", rate, frame_size=stream.frame_size or None)
        for piece in (frame, None):
            for ready in resampler.resample(piece):
                file.mux(stream.encode(ready))
        file.mux(stream.encode(None))
    heard = decode(out.getvalue(), keep_seconds=3600, max_seconds=3600).samples
    assert heard is not None
    return heard


def _noisy(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """With white noise, 20 dB below the speech."""
    noise = np.random.default_rng(len(samples)).standard_normal(len(samples))
    return np.clip(samples + noise * 0.1 * np.sqrt(np.mean(samples**2)), -1, 1)


_DISTURBANCES: dict[str, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "mp3, 48 kbit/s": partial(
        _coded, container="mp3", codec="libmp3lame", rate=SPEECH_SAMPLE_RATE, bit_rate=48_000
    ),
    "opus, 24 kbit/s": partial(
        _coded, container="ogg", codec="libopus", rate=SPEECH_SAMPLE_RATE, bit_rate=24_000
    ),
    "8 kHz telephone": partial(_coded, container="wav", codec="pcm_mulaw", rate=8_000, bit_rate=64_000),
    "20 dB noise": _noisy,
    "+3 dB": lambda samples: np.clip(samples * 10 ** (3 / 20), -1, 1),
    "-12 dB": lambda samples: samples * 10 ** (-12 / 20),
}


def _real_time_factor(model: WhisperModel) -> float:
    """Seconds of work for a second of sound, in a clip of 10 s: the median of several."""
    rng = random.Random(SEED + 9)
    sentences: list[str] = []
    while len((spoken := clip([*sentences, everyday(rng)], "alloy", random.Random(0))).samples) < 160_000:
        sentences.append(everyday(rng))
    ten = spoken.samples[:160_000]
    factors = []
    for _ in range(7):
        started = time.perf_counter()
        list(model.transcribe(ten, language="en", beam_size=5, temperature=0.0)[0])
        factors.append((time.perf_counter() - started) / 10)
    return float(np.median(factors))


def _invented(model: WhisperModel) -> dict[str, str]:
    """What is heard where nothing is said: by sound, the text; only of sounds that have one."""
    rng = np.random.default_rng(SEED + 10)
    heard = {}
    for name, sound in _speechless(rng):
        segments = list(model.transcribe(sound, language="en", beam_size=5, temperature=0.0)[0])
        if text := " ".join(segment.text.strip() for segment in segments):
            heard[name] = text
    return heard


def _speechless(rng: np.random.Generator) -> Iterator[tuple[str, NDArray[np.float32]]]:
    for seconds in (0.5, 2, 10, 40):
        length = round(seconds * 16_000)
        time = np.arange(length) / 16_000
        yield f"silence, {seconds} s", np.zeros(length, np.float32)
        for level in (-60, -40, -20, -10):
            scale = 10 ** (level / 20)
            white = rng.standard_normal(length)
            brown = np.cumsum(white)
            brown = brown - np.convolve(brown, np.ones(801) / 801, "same") if length > 801 else brown
            yield f"white noise, {level} dB, {seconds} s", _scaled(white, scale)
            yield f"brown noise, {level} dB, {seconds} s", _scaled(brown, scale)
            for pitch in (100, 440, 1000, 3000):
                yield (
                    f"tone of {pitch} Hz, {level} dB, {seconds} s",
                    _scaled(np.sin(2 * np.pi * pitch * time), scale),
                )


def _scaled(sound: NDArray[np.float64], scale: float) -> NDArray[np.float32]:
    loudness = float(np.sqrt(np.mean(sound**2))) or 1.0
    return np.clip(sound * (scale / loudness), -1, 1).astype(np.float32)


def markdown(figures: dict[str, Any]) -> str:
    """The figures as tables for the documentation."""
    lines = [
        "| heard | clips | words | word errors | letter errors | clips without an error | target |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in figures["rows"]:
        target = "" if row["target"] is None else f"≤ {100 * row['target']:.1f} %"
        lines.append(
            f"| {row['name']} | {row['clips']} | {row['words']} | {100 * row['word_errors']:.1f} % "
            f"| {100 * row['letter_errors']:.1f} % | {100 * row['flawless']:.0f} % | {target} |"
        )
    return "\n".join(lines) + "\n"


def write(figures: dict[str, Any], file: Path) -> None:
    """Writes the figures as JSON, and as a table beside it."""
    file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", "utf-8")
    file.with_suffix(".md").write_text(markdown(figures), "utf-8")


def plot(folder: Path, picture: Path) -> None:
    """Draws how the training in ``folder`` went: ``curve.csv`` and ``probes.csv``."""
    from matplotlib.figure import Figure

    curve, probes = _columns(folder / "curve.csv"), _columns(folder / "probes.csv")
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
        errors.plot(
            np.array(probes["wall"]) / 60, 100 * np.array(probes[name]), "o-", markersize=3, label=label
        )
    errors.set(xlabel="minutes of training", ylabel="word errors (%)", ylim=(0, 120))
    for axes in (learnt, errors):
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(picture, metadata={"Date": None} if picture.suffix == ".svg" else None)


def _smoothed(values: Sequence[float]) -> NDArray[np.float64]:
    """The running mean; what is not known is taken from its neighbours."""
    numbers = np.array(values)
    known = np.flatnonzero(~np.isnan(numbers))
    numbers = np.interp(np.arange(len(numbers)), known, numbers[known])
    width = min(15, len(numbers))
    padded = np.pad(numbers, (width // 2, width - 1 - width // 2), mode="edge")
    return np.convolve(padded, np.ones(width) / width, "valid")


def _columns(file: Path) -> dict[str, list[float]]:
    """The columns of a table whose rows are steps; of steps that were done again, the last time."""
    with file.open(newline="") as rows:
        table = [{name: float(value or "nan") for name, value in row.items()} for row in csv.DictReader(rows)]
    latest = {row["step"]: row for row in table}
    return {name: [latest[step][name] for step in sorted(latest)] for name in table[0]}
