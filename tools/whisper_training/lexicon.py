"""The everyday words: lists under ``words/`` and their inflected forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

WORDS = Path(__file__).parent / "words"
SYSTEM_WORD_LIST = Path("/usr/share/dict/american-english")  # read for training when it is there

_VOWELS = "aeiou"


@cache
def word_classes() -> dict[str, tuple[str, ...]]:
    """Return the words of each class by name: those of ``other.txt`` and the forms of nouns, verbs, adjectives."""
    classes = {name: tuple(" ".join(lines).split()) for name, lines in sections("other.txt")}
    nouns = [_pair(entry) for entry in _entries("nouns.txt")]
    classes["noun"] = _unique(noun for noun, _ in nouns)
    classes["nouns"] = _unique(plural for _, plural in nouns)
    verbs = [_verb_forms(entry) for entry in _entries("verbs.txt")]
    for index, name in enumerate(("verb", "verbs", "past", "participle", "ing")):
        classes[name] = _unique(forms[index] for forms in verbs)
    adjectives = [_adjective_forms(entry) for entry in _entries("adjectives.txt")]
    for index, name in enumerate(("adjective", "comparative", "superlative", "manner")):
        classes[name] = _unique(forms[index] for forms in adjectives if forms[index])
    classes["adverb"] = _unique((*classes["adverb"], *classes.pop("manner")))
    return classes


@cache
def everyday_forms() -> tuple[str, ...]:
    """Return all word forms of the lists, each once, as they are written within a sentence."""
    return _unique(word for words in word_classes().values() for word in words)


@cache
def dictionary_words() -> tuple[str, ...]:
    """Return lower-case words of the system's word list that are not everyday; none without such a list."""
    if not SYSTEM_WORD_LIST.is_file():
        return ()
    everyday = {form.lower() for form in everyday_forms()}
    words = SYSTEM_WORD_LIST.read_text("utf-8").split()
    return tuple(word for word in words if re.fullmatch("[a-z]{3,14}", word) and word not in everyday)


def sections(file: str) -> Iterator[tuple[str, list[str]]]:
    """Return the sections of a file under ``words/``: names (lines that begin with ``@``) and their lines."""
    name, lines = "", list[str]()
    for line in (WORDS / file).read_text("utf-8").splitlines():
        if line.startswith("@"):
            if name:
                yield name, lines
            name, lines = line[1:], []
        elif line and not line.startswith("#"):
            lines.append(line)
    yield name, lines


def _entries(file: str) -> list[str]:
    lines = (WORDS / file).read_text("utf-8").splitlines()
    return " ".join(line for line in lines if not line.startswith("#")).split()


def _pair(entry: str) -> tuple[str, str]:
    singular, _, plural = entry.partition("/")
    return singular, plural or _with_s(singular)


def _with_s(word: str) -> str:
    if re.search("(s|x|z|ch|sh)$", word):
        return word + "es"
    if re.search(f"[^{_VOWELS}]y$", word):
        return word[:-1] + "ies"
    return word + "s"


def _verb_forms(entry: str) -> tuple[str, str, str, str, str]:
    """Return base, third person, past, participle and -ing form."""
    base, *irregular = entry.split("/")
    doubled = base.endswith("*")
    base = base.rstrip("*")
    stem = base + base[-1] if doubled else base
    past = stem + "ed"
    if base.endswith("e"):
        past = base + "d"
    elif re.search(f"[^{_VOWELS}]y$", base):
        past = base[:-1] + "ied"
    past, participle = irregular or (past, past)
    third = {"be": "is", "have": "has", "do": "does", "go": "goes"}.get(base) or _with_s(base)
    return base, third, past, participle, _ing(base, stem)


def _ing(base: str, stem: str) -> str:
    if base.endswith("ie"):
        return base[:-2] + "ying"
    if re.search("[^eoy]e$", base) and len(base) > 2:
        return base[:-1] + "ing"
    return stem + "ing"


def _adjective_forms(entry: str) -> tuple[str, str, str, str]:
    """Return the word, its comparative and superlative, its adverb; an empty text for a missing form."""
    marked, *irregular = entry.split("/")
    has_adverb = not marked.endswith("-")
    marked = marked.rstrip("-")
    word = marked.rstrip("+")
    adverb = _with_ly(word) if has_adverb else ""
    if irregular:
        return word, irregular[0], irregular[1], adverb
    if word == marked:
        return word, "", "", adverb
    stem = word + word[-1] if marked.endswith("++") else word
    if word.endswith("e"):
        stem = word[:-1]
    elif re.search(f"[^{_VOWELS}]y$", word) and word != "shy":
        stem = word[:-1] + "i"
    return word, stem + "er", stem + "est", adverb


def _with_ly(word: str) -> str:
    if word.endswith("le") and word not in ("pale", "sole", "whole"):
        return word[:-1] + "y"
    if re.search(f"[^{_VOWELS}]y$", word) and word != "shy":
        return word[:-1] + "ily"
    if word.endswith("ic") and word != "public":
        return word + "ally"
    if word.endswith("ll"):
        return word + "y"
    return {"true": "truly"}.get(word, word + "ly")


def _unique(words: Iterator[str] | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
