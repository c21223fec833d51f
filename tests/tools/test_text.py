"""The sentences of training and measurement."""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest

from tools.whisper_training import lexicon, text

CACHED = (lexicon.dictionary_words, text._words_for_training, text._project_sentences_for_training)


@pytest.fixture
def list_of_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the path of the system's word list, which does not exist yet."""
    file = tmp_path / "words"
    monkeypatch.setattr(lexicon, "SYSTEM_WORD_LIST", file)
    for function in CACHED:
        function.cache_clear()
    yield file
    for function in CACHED:
        function.cache_clear()


@pytest.fixture
def dictionary(list_of_words: Path) -> set[str]:
    """Write eight hundred words that are in no other list."""
    words = {f"{start}{middle}{end}ax" for start, middle, end in product("bdfgklmnpr", "aeiou", "bdfgkmnp")}
    words |= {f"{word}o" for word in words}
    list_of_words.write_text("\n".join(sorted(words)))
    return words


def test_sentences_depend_on_the_seed_alone() -> None:
    assert [text.everyday(random.Random(7)) for _ in range(2)] == [text.everyday(random.Random(7))] * 2


def test_held_out_words_are_never_said_in_training(dictionary: set[str]) -> None:
    unseen = set(text.unseen_words(said=()))
    rng = random.Random(1)
    said = text.words_of(" ".join(text.training_text(rng) for _ in range(1000)))
    assert 10 < len(unseen) < 80
    assert not said & unseen
    assert len(said & dictionary) > 600


def test_the_projects_sentences_are_said_without_held_out_words(list_of_words: Path) -> None:
    words = text.words_of(" ".join(text.project_sentences()))
    list_of_words.write_text("\n".join(sorted(words)))
    held_out = set(text.unseen_words(said=()))
    rng = random.Random(1)
    said = text.words_of(" ".join(text.of_the_project(rng) for _ in range(500)))
    assert held_out & words
    assert not held_out & said


def test_what_was_said_all_the_same_is_not_unseen(dictionary: set[str]) -> None:
    first, *others = text.unseen_words(said=())
    assert text.unseen_words(said=[f"Is it {first}?"]) == tuple(others)


def test_sentences_with_rare_words_have_some(dictionary: set[str]) -> None:
    rare = text.unseen_words(said=())
    rng = random.Random(1)
    several = [len(text.words_of(text.with_several_of(rng, rare)) & set(rare)) for _ in range(200)]
    assert min(several) == 1
    assert max(several) > 2
    assert {len(text.words_of(text.with_one_of(rng, rare)) & dictionary) for _ in range(200)} == {1}


def test_what_people_try_speech_with_is_said_in_training() -> None:
    rng = random.Random(1)
    assert "Hello world." in {text.training_sentence(rng) for _ in range(10_000)}


@pytest.mark.usefixtures("list_of_words")
def test_without_a_list_of_words_everyday_words_stand_in() -> None:
    rng = random.Random(1)
    of_the_grammar = text.words_of(" ".join(text.everyday(rng) for _ in range(1000)))
    known = of_the_grammar | {form.lower() for form in lexicon.everyday_forms()}
    assert text.words_of(" ".join(text.with_dictionary(rng) for _ in range(200))) <= known
