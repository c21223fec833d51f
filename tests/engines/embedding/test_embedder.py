"""The vectors of texts: unit vectors, always the same, near each other for texts with the same words."""

from __future__ import annotations

import math
import subprocess
import sys
import tomllib
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from mockserver.engines.embedding.embedder import Embedder

PAIRS = tomllib.loads((Path(__file__).parent / "pairs.toml").read_text("utf-8"))["pairs"]
EMBEDDER = Embedder()


def embed(*texts: str, dimensions: int = 1536, space: str = "a", numbers: str = "half") -> list[np.ndarray]:
    vectors = EMBEDDER.vectors(texts, dimensions, space=space, numbers=numbers)  # type: ignore[arg-type]
    return list(vectors)


def test_there_are_enough_pairs() -> None:
    assert len(PAIRS) >= 20


@pytest.mark.parametrize("dimensions", [256, 1536, 3072])
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair["query"])
def test_near_texts_are_nearer_than_far_ones(pair: dict[str, str], dimensions: int) -> None:
    query, near, far = embed(pair["query"], pair["near"], pair["far"], dimensions=dimensions)
    assert query @ near > query @ far + 0.1


def test_a_search_finds_the_right_document_among_all() -> None:
    documents = embed(*(pair["near"] for pair in PAIRS), *(pair["far"] for pair in PAIRS))
    for number, pair in enumerate(PAIRS):
        (query,) = embed(pair["query"])
        assert int(np.argmax([query @ document for document in documents])) == number


@settings(max_examples=60)
@given(
    st.text(max_size=200), st.sampled_from([1, 2, 7, 256, 1536, 3072]), st.sampled_from(["half", "single"])
)
def test_vectors_have_the_length_1_and_are_always_the_same(text: str, dimensions: int, numbers: str) -> None:
    (vector,) = embed(text, dimensions=dimensions, numbers=numbers)
    assert vector.shape == (dimensions,)
    assert vector.dtype == np.dtype("<f4")
    length = math.sqrt(float(vector.astype(float) @ vector.astype(float)))
    assert length == pytest.approx(1, abs=2e-3 if numbers == "half" else 1e-6)
    others = embed("before", *["other"] * 70, text, dimensions=dimensions, numbers=numbers)
    assert np.array_equal(others[-1], vector)


def test_the_length_is_1_within_the_precision_of_halves() -> None:
    for vector in embed(*(pair["near"] for pair in PAIRS)):
        assert float(vector.astype(float) @ vector.astype(float)) == pytest.approx(1, abs=2e-4)


def test_a_shorter_vector_is_the_beginning_of_the_longer_one() -> None:
    (long,), (short,) = embed("A text.", numbers="single"), embed("A text.", dimensions=100, numbers="single")
    beginning = long[:100] / np.linalg.norm(long[:100])
    assert np.allclose(short, beginning, atol=1e-6)


def test_components_have_the_precision_asked_for() -> None:
    (half,), (single,) = embed("A text."), embed("A text.", numbers="single")
    assert np.array_equal(half, half.astype(np.float16))
    assert not np.array_equal(single, single.astype(np.float16))


def test_models_have_spaces_of_their_own() -> None:
    (one,), (other,) = embed("A text.", space="a"), embed("A text.", space="b")
    assert abs(float(one @ other)) < 0.1


def test_unrelated_texts_are_about_orthogonal_and_all_texts_differ() -> None:
    texts = ["parcel", "museum", "guitar", "volcano", "lighthouse", "penguin"]
    vectors = embed(*texts)
    for number, vector in enumerate(vectors):
        assert all(abs(float(vector @ other)) < 0.2 for other in vectors[number + 1 :])
    one, other = embed("hello", "Hello")
    assert 0.9 < float(one @ other) < 0.9999


def test_components_are_spread_over_the_vector() -> None:
    (vector,) = embed("A text.")
    assert np.count_nonzero(vector) > 1400
    assert np.abs(vector).max() < 0.2


def test_another_process_computes_the_same_vectors() -> None:
    code = (
        "from mockserver.engines.embedding.embedder import Embedder\n"
        "(vector,) = Embedder().vectors(['Grüße 天気 1'], 1536, space='a')\n"
        "print(vector.tobytes().hex())"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == embed("Grüße 天気 1")[0].tobytes().hex()


def test_very_long_texts_are_embedded() -> None:
    near, far = "parcels are delivered " * 5_000, "museums show paintings " * 5_000
    query, one, other = embed("Where is my parcel?", near, far)
    assert query @ one > query @ other + 0.1
