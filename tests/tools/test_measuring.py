"""The measurement of the embedded Whisper; the documentation shows its results."""

import hashlib
import json
import random
import re
from pathlib import Path

import numpy as np
import pytest

from mockserver.resources import data_folder
from tools.whisper_training.__main__ import FIGURES
from tools.whisper_training.cases import cases
from tools.whisper_training.measure import (
    Clip,
    clip,
    clips,
    distance,
    evaluate,
    joined,
    load,
    long_clips,
    sentences_of,
)
from tools.whisper_training.report import markdown, measure, write
from tools.whisper_training.sounds import DISTURBANCES, speechless
from tools.whisper_training.text import everyday

ROOT = Path(__file__).parents[2]
MODEL = data_folder("fixtures") / "whisper" / "embedded"


def test_errors_are_counted_in_words() -> None:
    assert distance(["the", "cat", "sat"], ["the", "hat", "sat", "down"]) == 2


def test_sentences_said_in_training_are_left_out() -> None:
    said = [one.text for one in clips(everyday, 3, seed=1)]
    passage = " ".join(said)
    new = [one.text for one in clips(everyday, 3, seed=1, said=sentences_of(passage))]
    assert not set(said) & set(new)
    (long,) = long_clips(everyday, 1, seconds=12, seed=1, said=said)
    assert len(long.samples) >= 12 * 16_000
    assert not set(said) & set(sentences_of(long.text))
    assert len(long.sentences) == len(sentences_of(long.text))


def test_joined_clips_keep_their_times() -> None:
    rng = random.Random(1)
    one, other = clip(["Hello, world."], "alloy", rng), clip(["Good morning."], "nova", rng)
    both = joined([one, other], pause=0.5)
    offset = len(one.samples) / 16_000 + 0.5
    assert both.text == "Hello, world. Good morning."
    assert both.words[2:] == pytest.approx(other.words + offset, abs=1e-4)
    assert both.sentences[1] == pytest.approx(other.sentences[0] + offset, abs=1e-4)


@pytest.mark.parametrize("name", DISTURBANCES)
def test_a_disturbed_clip_is_changed_but_still_speech(name: str) -> None:
    sound = clip(["Where are the keys?"], "onyx", random.Random(1)).samples
    changed = DISTURBANCES[name](sound)
    assert 0.6 < len(changed) / len(sound) < 1.2
    assert len(changed) != len(sound) or not np.allclose(changed, sound, atol=1e-4)
    assert 0.2 < np.abs(changed).max() / np.abs(sound).max() < 1.6


def test_what_is_not_heard_counts_as_far_off() -> None:
    said = clip(["Where are the keys?"], "onyx", random.Random(1))
    silent = Clip(np.zeros(16_000, np.float32), said.text, said.words, said.sentences)
    result = evaluate(load(MODEL), [silent])
    assert result.word_errors == 1
    assert result.sentence_start_error == np.inf


@pytest.mark.slow
def test_no_row_but_that_of_the_project_says_what_was_said_in_training() -> None:
    rows = {name: case for name, case in cases().items() if name not in DISTURBANCES}
    said = {
        sentence
        for case in rows.values()
        for clip in case.clips(1, frozenset())
        for sentence in sentences_of(clip.text)
    }
    for name, case in rows.items():
        again = {sentence for clip in case.clips(1, said) for sentence in sentences_of(clip.text)}
        if name in ("sentences of this project (heard in training)", "sentences as people say them"):
            continue
        assert not again & said, name


@pytest.mark.slow
def test_speechless_sounds_are_as_loud_as_they_say() -> None:
    sounds = [(name, sound) for name, sound in speechless(seed=1, tones=8) if "silence" not in name]
    assert len(sounds) == 40
    for name, sound in sounds:
        level = 20 * np.log10(np.sqrt(np.mean(sound**2)))
        (decibels,) = re.findall(r"(-\d+) dB", name)
        assert level == pytest.approx(float(decibels), abs=4)  # the loudest is clipped


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_model_is_measured_from_end_to_end(tmp_path: Path) -> None:
    figures = measure(MODEL, [], processes=1, scale=0.01)
    file = tmp_path / "new" / "figures.json"
    write(figures, file)
    everyday_row = next(row for row in figures["rows"] if row["name"] == "everyday sentences")
    assert everyday_row["clips"] == 5
    assert everyday_row["word_errors"] < 0.2
    assert markdown(json.loads(file.read_text("utf-8"))) == markdown(figures)


def test_the_documentation_shows_the_figures_of_the_model_that_ships() -> None:
    figures = json.loads(FIGURES.read_text("utf-8"))
    assert figures["model_sha256"] == hashlib.sha256((MODEL / "model.bin").read_bytes()).hexdigest()
    assert markdown(figures) in (ROOT / "docs" / "embedded-whisper.md").read_text("utf-8")
