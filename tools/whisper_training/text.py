"""The texts of the training: everyday sentences, words in any order, words of the dictionary, our own docs."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path

from tools.whisper_training.lexicon import WORDS, dictionary_words, everyday_forms, sections, word_classes

ROOT = Path(__file__).parents[2]
HELD_OUT = 20  # one in so many words of the dictionary is held out of training
CONTENT = ("noun", "nouns", "adjective", "adverb", "verb", "past", "ing")
SPEAKABLE = re.compile("[A-Z][A-Za-z' ,-]*[.?!]")

Sentences = Callable[[random.Random], str]


def training_text(rng: random.Random) -> str:
    """Return a sentence, or a passage of several, for training."""
    count = rng.randint(2, 9) if rng.random() < 0.15 else 1
    return " ".join(training_sentence(rng) for _ in range(count))


def training_sentence(rng: random.Random) -> str:
    """Return a sentence of any kind, in the proportions of training."""
    kinds = (everyday, jumble, with_dictionary, of_the_project, phrase)
    (kind,) = rng.choices(kinds, (20, 10, 60, 7, 3))
    return kind(rng)


def everyday(rng: random.Random) -> str:
    """Return a sentence of the grammar, all of whose words are everyday ones."""
    return _finish(_expand(rng, "sentence", lambda word_class: rng.choice(word_classes()[word_class])))


def jumble(rng: random.Random) -> str:
    """Return everyday words in any order: every form is equally likely."""
    words = rng.choices(everyday_forms(), k=rng.randint(1, 9))
    commas = ["," if rng.random() < 0.1 else "" for _ in words]
    text = "".join(f" {word}{comma}" for word, comma in zip(words, commas, strict=True)).strip(" ,")
    return _finish(text + rng.choice("...?!"))


def phrase(rng: random.Random) -> str:
    """Return a phrase that people try speech with."""
    return rng.choice(_phrases())


@cache
def _phrases() -> tuple[str, ...]:
    lines = (WORDS / "phrases.txt").read_text("utf-8").splitlines()
    return tuple(line for line in lines if not line.startswith("#"))


def with_dictionary(rng: random.Random) -> str:
    """Return a sentence with words of the dictionary, or only such, without those that are held out."""
    if rng.random() < 0.45:
        return _finish(" ".join(rng.choices(_words_for_training(), k=rng.randint(2, 8))) + ".")
    return _with_rare_words(rng, _words_for_training())


def with_several_of(rng: random.Random, rare: tuple[str, ...]) -> str:
    """Return a sentence with at least one of the words of the dictionary in ``rare``, mostly with several."""
    wanted = frozenset(rare)
    while True:
        text = _with_rare_words(rng, rare)
        if wanted & words_of(text):
            return text


def with_one_of(rng: random.Random, rare: tuple[str, ...]) -> str:
    """Return an everyday sentence with one of the words of the dictionary in ``rare``."""
    while True:
        template = _expand(rng, "sentence", "{{{}}}".format)
        classes = re.findall(r"\{(\w+)\}", template)
        if content := [number for number, name in enumerate(classes) if name in CONTENT]:
            break
    words = [rng.choice(word_classes()[name]) for name in classes]
    words[rng.choice(content)] = rng.choice(rare)
    in_order = iter(words)
    return _finish(re.sub(r"\{\w+\}", lambda _: next(in_order), template))


def of_the_project(rng: random.Random) -> str:
    """Return a sentence of our README, documentation or replies, without words that are held out."""
    return rng.choice(_project_sentences_for_training() or (everyday(rng),))


@cache
def project_sentences() -> tuple[str, ...]:
    """Return the sentences of the project's texts that can be read word by word: no figures, no code."""
    found: dict[str, None] = {}
    for file in sorted((*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))):
        prose = re.sub("```.*?```", "\n\n", file.read_text("utf-8"), flags=re.DOTALL)
        prose = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", prose).replace("**", "")
        for paragraph in re.split(r"\n\s*\n|\n\s*[-*#|]", prose):
            found |= dict.fromkeys(_speakable(re.split(r"(?<=[.?!])\s+", " ".join(paragraph.split()))))
    for file in sorted((ROOT / "mockserver").rglob("*")):
        if file.suffix in (".py", ".toml"):
            found |= dict.fromkeys(_speakable(re.findall('"([^"\n]+)"', file.read_text("utf-8"))))
    return tuple(found)


@cache
def _project_sentences_for_training() -> tuple[str, ...]:
    held_out = {word for word in dictionary_words() if _is_held_out(word)}
    return tuple(text for text in project_sentences() if not held_out & words_of(text))


def unseen_words(said: Iterable[str]) -> tuple[str, ...]:
    """Return the words of the dictionary that training leaves out, except those in the sentences ``said``."""
    known = {word for sentence in said for word in words_of(sentence)}
    return tuple(word for word in dictionary_words() if _is_held_out(word) and word not in known)


def words_of(text: str) -> set[str]:
    """Return the words of a text, in lower case."""
    return {word.strip(".,?!").lower() for word in text.split()}


def _is_held_out(word: str) -> bool:
    return zlib.crc32(word.encode()) % HELD_OUT == 0


@cache
def _words_for_training() -> tuple[str, ...]:
    return tuple(word for word in dictionary_words() if not _is_held_out(word)) or everyday_forms()


def _speakable(sentences: list[str]) -> Iterator[str]:
    for sentence in sentences:
        if SPEAKABLE.fullmatch(sentence) and 2 <= len(sentence.split()) <= 24:
            yield sentence


def _with_rare_words(rng: random.Random, rare: tuple[str, ...]) -> str:
    if rng.random() < 0.4:
        words = [
            rng.choice(rare if rng.random() < 0.6 else everyday_forms()) for _ in range(rng.randint(1, 7))
        ]
        return _finish(" ".join(words) + ".")
    share = rng.choice((0.2, 0.5))

    def word_of(word_class: str) -> str:
        is_rare = word_class in CONTENT and rng.random() < share
        return rng.choice(rare if is_rare else word_classes()[word_class])

    return _finish(_expand(rng, "sentence", word_of))


def _expand(rng: random.Random, rule: str, word_of: Callable[[str], str]) -> str:
    """Return a random expansion of a rule of ``grammar.txt``."""

    def filling(slot: re.Match[str]) -> str:
        name = slot.group(1)
        return _expand(rng, name, word_of) if name in _grammar() else word_of(name)

    return re.sub(r"\{(\w+)\}", filling, rng.choice(_grammar()[rule]))


@cache
def _grammar() -> dict[str, list[str]]:
    return dict(sections("grammar.txt"))


def _finish(text: str) -> str:
    """Add the capital at the start, and "an" where it belongs."""
    text = re.sub(r"\b([Aa]) (?=[aeiou])", r"\1n ", text)
    return text[0].upper() + text[1:]
