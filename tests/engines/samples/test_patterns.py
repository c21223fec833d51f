"""A regular expression is expanded to texts that match it."""

from __future__ import annotations

import re
from itertools import islice

import pytest

from mockserver.engines.samples.patterns import matching


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("^[a-z]+$", "abc"),
        ("^(?:red|green)$", "red"),
        (r"^\d{3}-\d{2}$", "012-45"),
        (r"^(\w)\1?$", "aa"),
        ("^[^a]x?$", "bx"),
        ("^.{2}$", "ab"),
        (r"^\s$", " "),
        ("[à-é]", "à"),
    ],
)
def test_the_first_text_is_the_plainest(pattern: str, text: str) -> None:
    assert next(matching(pattern)) == text


def test_the_branches_are_taken_in_turn() -> None:
    assert set(matching("^(?:red|green|blue)$")) >= {"red", "green", "blue"}


def test_a_text_may_be_as_long_as_is_wished() -> None:
    lengths = {len(text) for text in matching("^[a-z]+$", 30)}
    assert lengths >= set(range(1, 31))


def test_a_pattern_that_ends_nowhere_has_many_texts() -> None:
    texts = list(islice(matching("^x-"), 10))
    assert len(set(texts)) == 10
    assert all(re.search("^x-", text) for text in texts)


@pytest.mark.parametrize("pattern", ["(", r"^\p{L}$", "a{99999}", "(?:(?:a{999}){999}){999}", "(?>a)(?(1)b)"])
def test_what_cannot_be_written_has_no_text(pattern: str) -> None:
    assert list(matching(pattern)) == []
