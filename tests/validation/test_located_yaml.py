"""Reads YAML as plain JSON values, with the line and column of each."""

from __future__ import annotations

from typing import Any

import pytest

from mockserver.validation.located import SourceError
from mockserver.validation.located_yaml import read


def value_of(text: str) -> Any:
    (document,) = read(text.encode())
    return document.value


def test_every_value_has_its_line_and_column() -> None:
    (found,) = read(b"# stubs\na:\n  - 1\n  - b: x\nc: >\n  folded\n  text\n")
    assert found.value == {"a": [1, {"b": "x"}], "c": "folded text\n"}
    places = {
        (): (2, 1),
        ("a",): (2, 1),
        ("a", 0): (3, 5),
        ("a", 1): (4, 5),
        ("a", 1, "b"): (4, 5),
        ("c",): (5, 1),
    }
    assert found.marks == places


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("-12", -12),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("9" * 1000, int("9" * 1000)),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("no", "no"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2026-01-01", "2026-01-01"),
        ("007", "007"),
        ("0x10", "0x10"),
        (".nan", ".nan"),
        ("1_000", "1_000"),
    ],
)
def test_plain_words_are_what_json_knows_or_texts(word: str, value: object) -> None:
    found = value_of(f"a: {word}")["a"]
    assert (found, type(found)) == (value, type(value))


def test_a_file_may_hold_several_documents_and_empty_ones() -> None:
    found = read(b"---\n---\na: 1\n...\n---\nb: 2\n")
    assert [(each.value, each.mark_of(()).line) for each in found] == [({"a": 1}, 3), ({"b": 2}, 6)]
    assert read(b"") == read(b"# nothing\n") == []


def test_aliases_and_merge_keys_bring_what_was_written_once() -> None:
    text = "- &a {p: 1, q: 2}\n- *a\n- {<<: *a, q: 3}\n- {<<: [*a, {q: 4, r: 5}]}\n- {'<<': 6}"
    assert value_of(text)[1:] == [{"p": 1, "q": 2}, {"p": 1, "q": 3}, {"p": 1, "q": 2, "r": 5}, {"<<": 6}]


MANY = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: 1\nb: c: d", 2, "is not YAML: "),
        ("a:\n\t- b", 2, "is not YAML: "),
        ("a: 1\nb: \x01", 2, "is not YAML: "),
        ("a: 1\nb: 2\na: 3", 3, "'a' is given twice, first on line 1."),
        ("a:\n  1: b", 2, "the name 1 is not a text. Write it in quotes."),
        ("[a]: b", 1, "a name must be a text."),
        ("a: 1\nb: !!binary aGk=", 2, "has no equivalent in JSON"),
        ("a: !!python/object/apply:os.getcwd []", 1, "has no equivalent in JSON"),
        ("a: !mine {b: 1}", 1, "has no equivalent in JSON"),
        ("a: 1\nb: *c", 2, "*c: no anchor &c precedes it."),
        ("&a [*a]", 1, "*a: no anchor &a precedes it."),
        ("a: 1\n<<: 2", 2, "<<: is neither an object nor a list of objects."),
        ("a: 1e999", 1, "1e999 is too large."),
        ("a: " + "9" * 5000, 1, "a number of 5000 digits is too large."),
        ("[" * 102 + "]" * 102, 1, "is nested more than 100 deep."),
        ("a: &a " + "[" * 60 + "]" * 60 + "\nb: " + "[" * 60 + "*a" + "]" * 60, 2, "more than 100 deep"),
        (MANY, 6, "has more than 1000000 values, aliases included."),
    ],
    ids=lambda each: str(each)[:20],
)
def test_an_error_is_reported_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(SourceError) as refusal:
        read(text.encode())
    assert message in str(refusal.value)
    assert refusal.value.mark.line == line


@pytest.mark.parametrize("opening", ["[", "- "])
def test_what_is_nested_far_too_deep_ends_no_process(opening: str) -> None:
    """Accept either message: PyYAML may refuse it first."""
    with pytest.raises(SourceError) as refusal:
        read(b"a: 1\nb:\n" + opening.encode() * 200_000)
    assert refusal.value.mark.line == 3


def test_other_encodings_are_refused_with_the_line() -> None:
    with pytest.raises(SourceError, match="not UTF-8") as refusal:
        read(b"a: 1\nb: \xff")
    assert refusal.value.mark.line == 2
