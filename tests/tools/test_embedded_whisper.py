"""The embedded Whisper: its size, and the speech that it was made for."""

from dataclasses import replace

import numpy as np
import pytest
from faster_whisper import WhisperModel

from mockserver.audio.decode import decode
from mockserver.resources import data_folder
from tools.whisper_training.measure import Clip, clips, evaluate, long_clips, plain
from tools.whisper_training.sounds import DISTURBANCES
from tools.whisper_training.text import everyday

FOLDER = data_folder("fixtures") / "whisper" / "embedded"


@pytest.fixture(scope="module")
def model() -> WhisperModel:
    return WhisperModel(str(FOLDER), device="cpu", compute_type="int8", local_files_only=True)


@pytest.fixture(scope="module")
def spoken() -> list[Clip]:
    """Return a sentence in each voice."""
    return clips(everyday, 13, seed=78)


def heard(model: WhisperModel, samples: np.ndarray) -> str:
    segments, _ = model.transcribe(samples, temperature=0.0)
    return " ".join(segment.text.strip() for segment in segments)


def test_it_is_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 5_000_000


@pytest.mark.parametrize(
    ("clip", "text"),
    [
        ("hello.wav", "Hello world, this is a test."),
        ("fox.mp3", "The quick brown fox jumps over the lazy dog."),
    ],
)
def test_it_understands_the_voices_of_the_server(model: WhisperModel, clip: str, text: str) -> None:
    data = (data_folder("fixtures") / clip).read_bytes()
    samples = decode(data, keep_seconds=60, max_seconds=60).samples
    assert samples is not None
    assert plain(heard(model, samples)) == plain(text)


@pytest.mark.slow
def test_it_understands_every_voice(model: WhisperModel) -> None:
    assert evaluate(model, clips(everyday, 26, seed=77)).word_errors <= 0.05


@pytest.mark.slow
def test_it_understands_clips_longer_than_a_window(model: WhisperModel) -> None:
    assert evaluate(model, long_clips(everyday, 2, 60, seed=79, said=())).word_errors <= 0.06


@pytest.mark.slow
@pytest.mark.parametrize(("number", "disturbance"), [*enumerate(DISTURBANCES)])
def test_it_understands_disturbed_speech(
    model: WhisperModel, spoken: list[Clip], number: int, disturbance: str
) -> None:
    disturb = DISTURBANCES[disturbance]
    every_other = spoken[number % 2 :: 2]
    disturbed = [replace(clip, samples=disturb(clip.samples).astype(np.float32)) for clip in every_other]
    assert evaluate(model, disturbed).word_errors <= 0.1


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1, 35])
def test_it_hears_nothing_in_silence(model: WhisperModel, seconds: int) -> None:
    assert heard(model, np.zeros(seconds * 16_000, np.float32)) == ""
