"""The training of the embedded Whisper, on a very small scale: that every stage works and fits the next."""

import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the training needs the dependency group whisper-training")

from tools.whisper_training.corpus import Corpus, make_shard
from tools.whisper_training.export import export
from tools.whisper_training.features import Quantized, normalize, raw_spectrogram
from tools.whisper_training.lexicon import everyday_forms
from tools.whisper_training.measure import distance, load
from tools.whisper_training.model import Shape, Whisper
from tools.whisper_training.text import everyday, training_text, unseen_words
from tools.whisper_training.tokenizer import Vocabulary, build_vocabulary
from tools.whisper_training.windows import Windows

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return build_vocabulary()


def test_everyday_words_are_enough_and_have_a_token_each(vocabulary: Vocabulary) -> None:
    forms = [form for form in everyday_forms() if "'" not in form]
    assert len(forms) >= 3000
    assert all(len(vocabulary.encode(form)) == 1 for form in forms)


def test_tokens_of_any_text_give_the_text_again(vocabulary: Vocabulary) -> None:
    text = "Don't perambulate, Zoë - it's late!"
    tokens = [token for token, _, _ in vocabulary.encode(text)]
    assert vocabulary.tokenizer.decode(tokens) == f" {text}"


def test_sentences_depend_on_the_seed_alone() -> None:
    assert [everyday(random.Random(7)) for _ in range(2)] == [everyday(random.Random(7))] * 2


def test_held_out_words_are_never_said_in_training() -> None:
    unseen = set(unseen_words())
    rng = random.Random(1)
    said = {word.strip(".,?!").lower() for _ in range(2000) for word in training_text(rng).split()}
    assert not said & unseen


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Passages of three sentences each."""
    file = tmp_path_factory.mktemp("corpus") / "000.npz"
    make_shard(file, lambda rng: " ".join(everyday(rng) for _ in range(3)), count=8, seed=1)
    return Corpus([file])


def test_windows_are_timed_sentence_by_sentence(vocabulary: Vocabulary, corpus: Corpus) -> None:
    windows = Windows(corpus, vocabulary, seed=1, states=1)
    texts = {text for passage in corpus.texts for text in re.findall(r".+?[.?!](?: |$)", passage)}
    tokens = [windows.batch(step, steps=100).tokens[0].tolist() for step in range(90, 100)]
    spoken = [sentence for row in tokens for sentence in timed_sentences(vocabulary, row)]
    assert len(spoken) > 30
    for start, end, text in spoken:
        assert 0 <= start < end <= 30
        assert f"{text.strip()} " in texts or text.strip() in texts


def timed_sentences(vocabulary: Vocabulary, tokens: list[int]) -> list[tuple[float, float, str]]:
    """Start, end (s) and text of the sentences after the start of the transcript, if it has timestamps."""
    text = vocabulary.tokenizer.decode(tokens[tokens.index(vocabulary.start) :], skip_special_tokens=False)
    found = re.findall(r"<\|([\d.]+)\|>([^<]+)<\|([\d.]+)\|>", text)
    return [(float(start), float(end), sentence) for start, sentence, end in found]


def test_features_are_those_of_faster_whisper() -> None:
    from faster_whisper.feature_extractor import FeatureExtractor

    samples = (np.random.default_rng(0).standard_normal(16_000) * 3000).astype(np.int16)
    raw = raw_spectrogram(samples)
    expected = FeatureExtractor()(samples.astype(np.float32) / 32768).T[: len(raw)]
    assert np.abs(normalize(raw, float(raw.max())) - expected).max() < 1e-4
    kept = Quantized.of(raw).raw()
    assert np.abs(normalize(kept, float(raw.max())) - expected).max() < 0.01


@pytest.mark.filterwarnings("ignore")
def test_the_exported_model_computes_what_the_trained_one_does(
    vocabulary: Vocabulary, tmp_path: Path
) -> None:
    import torch

    torch.manual_seed(0)
    model = Whisper(Shape(vocabulary.end, len(vocabulary), phonemes=10)).eval()
    export(model, vocabulary, tmp_path)
    features = np.random.default_rng(0).standard_normal((80, 3000)).astype(np.float32)
    with torch.no_grad():
        expected = model.encode(torch.from_numpy(features.T.copy()[None])).states.numpy()
    heard = np.array(load(tmp_path).encode(features))
    assert np.abs(heard - expected).mean() < 0.05
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) <= 5_000_000


@pytest.mark.filterwarnings("ignore")
def test_from_nothing_to_a_model_that_loads(tmp_path: Path) -> None:
    model = tmp_path / "model"
    small = {
        "shards": 1,
        "shard-size": 40,
        "steps": 6,
        "states": 400,
        "every": 3,
        "processes": 1,
        "probes": 0,
    }
    options = [f"--{name}={value}" for name, value in small.items()]
    for stage in ("speak", "train", "export"):
        command = [sys.executable, "-m", "tools.whisper_training", stage, "--work", str(tmp_path / "work")]
        subprocess.run([*command, "--model", str(model), *options], cwd=ROOT, check=True, timeout=100)
    curve = (tmp_path / "work" / "curve.csv").read_text().splitlines()
    assert curve[-1].startswith("6,")
    silence = np.zeros(16_000, np.float32)
    segments, info = load(model).transcribe(silence, max_new_tokens=8, temperature=0.0)
    list(segments)
    assert info.language == "en"


def test_errors_are_counted_in_words() -> None:
    assert distance(["the", "cat", "sat"], ["the", "hat", "sat", "down"]) == 2
