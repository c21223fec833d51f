"""The sentences of the training and of the measuring."""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tools.whisper_training import lexicon, text

CACHED = (lexicon.dictionary_words, text.unseen_words, text._words_for_training)


@pytest.fixture
def word_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """A dictionary of four hundred words that are in no other list."""
    words = {f"{start}{middle}{end}ax" for start, middle, end in product("bdfgklmnpr", "aeiou", "bdfgkmnp")}
    file = tmp_path / "words"
    file.write_text("\n".join(sorted(words)))
    monkeypatch.setattr(lexicon, "SYSTEM_WORD_LIST", file)
    for function in CACHED:
        function.cache_clear()
    yield words
    for function in CACHED:
        function.cache_clear()


def words_of(sentence: str) -> set[str]:
    return {word.strip(".,?!").lower() for word in sentence.split()}


def test_sentences_depend_on_the_seed_alone() -> None:
    assert [text.everyday(random.Random(7)) for _ in range(2)] == [text.everyday(random.Random(7))] * 2


def test_held_out_words_are_never_said_in_training(word_list: set[str]) -> None:
    unseen = set(text.unseen_words())
    rng = random.Random(1)
    said = {word for _ in range(1000) for word in words_of(text.training_text(rng))}
    assert 5 < len(unseen) < 40
    assert not said & unseen
    assert len(said & word_list) > 300


def test_sentences_with_unseen_words_have_some(word_list: set[str]) -> None:
    unseen = set(text.unseen_words())
    rng = random.Random(1)
    several = [len(words_of(text.with_unseen(rng)) & unseen) for _ in range(200)]
    assert min(several) == 1
    assert max(several) > 2
    assert {len(words_of(text.with_one_unseen(rng)) & word_list) for _ in range(200)} == {1}


def test_without_a_word_list_everyday_words_stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "SYSTEM_WORD_LIST", tmp_path / "none")
    lexicon.dictionary_words.cache_clear()
    text._words_for_training.cache_clear()
    rng = random.Random(1)
    forms = {form.lower() for form in lexicon.everyday_forms()}
    assert words_of(text.with_dictionary(rng)) <= forms | {"an"}
    lexicon.dictionary_words.cache_clear()
    text._words_for_training.cache_clear()
