"""The texts of embeddings, completions and moderations, as strings, tokens and parts."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.providers.openai.given_texts import (
    GivenText,
    PartsDocument,
    TextsDocument,
    given_texts,
    texts_of,
)
from mockserver.wire import tokens


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a text", [GivenText("a text")]),
        (["a", "b"], [GivenText("a"), GivenText("b")]),
        ([9906, 1917], [GivenText("Hello world", [9906, 1917])]),
        ([9906.0], [GivenText("Hello", [9906])]),
        ([[9906], [1917]], [GivenText("Hello", [9906]), GivenText(" world", [1917])]),
        ([100_257], [GivenText("<|endoftext|>", [100_257])]),
        (["a", [9906], None, {}, True], [GivenText("a"), GivenText("Hello", [9906])]),
        ([[True, "a", 9906]], [GivenText("Hello", [9906])]),
        ([], []),
        (None, []),
        ({"a": 1}, []),
        (7, []),
    ],
)
def test_texts_and_tokens_are_read(value: object, texts: list[GivenText]) -> None:
    assert given_texts(value) == texts


@pytest.mark.parametrize("number", [-1, 100_256, 100_277, 10**30])
def test_ids_of_no_token_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        given_texts([9906, number], known_only=True)
    assert given_texts([9906, number]) == [GivenText(f"9906 {number}", [9906, number])]
    assert TextsDocument({"input": [number]}).user_text == str(number)


def test_tokens_that_were_sent_are_not_counted_again() -> None:
    assert [GivenText("Hello world").tokens, GivenText("Hello world", [1, 2, 3]).tokens] == [2, 3]


def test_without_vocabularies_each_token_is_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_tokenizers", {"cl100k_base": None})
    assert given_texts([[9906, 1917]]) == [GivenText("9906 1917", [9906, 1917])]
    with pytest.raises(ValueError, match="200000"):
        given_texts([200_000], known_only=True)


def test_half_a_character_in_tokens_becomes_a_mark() -> None:
    (first, *_) = tokens.ids("天", "cl100k_base") or [0]
    (given,) = given_texts([first])
    assert given.text


@pytest.mark.parametrize(
    ("document", "text", "prompt"),
    [
        ({"input": "a"}, "a", ""),
        ({"input": ["a", "b"]}, "a\nb", ""),
        ({"input": [[9906], [1917]]}, "Hello\n world", ""),
        ({"prompt": "a"}, "a", "a"),
        ({"prompt": ["a", "b"]}, "a\nb", "a\nb"),
        ({}, "", ""),
        ({"input": {}}, "", ""),
    ],
)
def test_the_facts_of_texts(document: dict[str, Any], text: str, prompt: str) -> None:
    facts = TextsDocument(document)
    assert (facts.user_text, facts.prompt) == (text, prompt)


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("a", ["a"]),
        (["a", "b"], ["a", "b"]),
        ([{"type": "text", "text": "a"}, {"type": "image_url"}, {"text": 1}, None], ["a"]),
        (None, []),
    ],
)
def test_the_texts_of_parts(value: object, texts: list[str]) -> None:
    assert texts_of({"input": value}) == texts
    assert PartsDocument({"input": value}).user_text == "\n".join(texts)
