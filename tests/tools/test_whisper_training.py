"""The training of the embedded Whisper on a very small scale: every stage works and fits the next."""

import csv
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the training needs the dependency group whisper-training")

import tools.whisper_training.__main__ as command_line
from mockserver.engines.whisper.models import is_embedded
from tools.whisper_training.corpus import Corpus, make_shard
from tools.whisper_training.curve import plot
from tools.whisper_training.export import export
from tools.whisper_training.features import Quantized, normalize, raw_spectrogram
from tools.whisper_training.lexicon import everyday_forms
from tools.whisper_training.measure import load
from tools.whisper_training.model import Shape, Whisper
from tools.whisper_training.text import everyday
from tools.whisper_training.tokenizer import Vocabulary, build_vocabulary
from tools.whisper_training.train import Plan, Training
from tools.whisper_training.windows import Windows

pytestmark = pytest.mark.slow

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


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Return passages of three sentences each."""
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
    """Return start, end (s) and text of the sentences after the start of the transcript, if it has timestamps."""
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


@pytest.mark.timeout(600)
@pytest.mark.filterwarnings("ignore")
def test_from_nothing_to_a_model_that_loads(tmp_path: Path) -> None:
    work, model = tmp_path / "work", tmp_path / "model"
    train(tmp_path, "speak", "train", steps=30)
    train(tmp_path, "train", "export", steps=40)  # continues from the checkpoint

    curve = rows(work / "curve.csv")
    assert [row["step"] for row in curve] == [10, 15, 20, 30, 40]
    assert curve[-1]["text"] < curve[0]["text"]
    assert curve[-1]["frame_token"] < curve[0]["frame_token"] - 0.5
    assert curve[-1]["wall"] > curve[0]["wall"]
    assert [row["step"] for row in rows(work / "probes.csv")][-1] == 40
    picture = tmp_path / "curve.svg"
    plot(work, picture)
    assert "<svg" in picture.read_text()

    silence = np.zeros(16_000, np.float32)
    segments, info = load(model).transcribe(silence, max_new_tokens=8, temperature=0.0)
    list(segments)
    assert info.language == "en"
    assert is_embedded(model)


def train(folder: Path, *stages: str, steps: int) -> None:
    """Run some stages of a very small training, as from the command line."""
    options = ["--work", str(folder / "work"), "--model", str(folder / "model"), "--allow-no-words"]
    small = {"shards": 1, "shard-size": 60, "states": 400, "every": 15, "processes": 1, "probes": 2}
    for name, value in (small | {"steps": steps}).items():
        options += [f"--{name}", str(value)]
    for stage in stages:
        command = [sys.executable, "-m", "tools.whisper_training", stage, *options]
        subprocess.run(command, cwd=ROOT, check=True, timeout=200)


def rows(file: Path) -> list[dict[str, float]]:
    with file.open(newline="") as table:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(table)]


@pytest.fixture
def one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restore after the test what the command line sets for its processes."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")


@pytest.mark.usefixtures("one_thread")
def test_a_checkpoint_of_another_shape_is_refused(vocabulary: Vocabulary, tmp_path: Path) -> None:
    (tmp_path / "corpus").mkdir()
    make_shard(tmp_path / "corpus" / "000.npz", everyday, count=1, seed=1)
    plan = Plan(steps=1, states=400)
    Training(Shape(vocabulary.end, len(vocabulary), phonemes=10), plan, tmp_path).save()
    with pytest.raises(SystemExit, match=r"checkpoint\.pt is of a model of another shape: work in another"):
        command_line.main(["train", "--work", str(tmp_path)])


@pytest.mark.usefixtures("one_thread")
def test_a_missing_list_of_words_is_reported_before_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command_line, "SYSTEM_WORD_LIST", tmp_path / "words")
    with pytest.raises(SystemExit, match=r"words is missing\. Install the package wamerican"):
        command_line.main(["speak", "--work", str(tmp_path)])


@pytest.mark.usefixtures("one_thread")
@pytest.mark.parametrize("stage", ["train", "measure"])
def test_without_a_corpus_nothing_is_learnt_or_measured(stage: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="has no corpus"):
        command_line.main([stage, "--work", str(tmp_path)])
