"""Texts in generated shell commands and Python code: nothing in them is executed, and nothing is changed."""

from __future__ import annotations

import ast
import subprocess
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mockserver.reproducing.literals import Expression, call, literal
from mockserver.reproducing.reasons import CannotReproduce
from mockserver.reproducing.shell import quoted

_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
_HARD = [
    "$(touch x)",
    "`id`",
    "'; exit 1; '",
    "!!",
    "a\\",
    "\x1b[31m\r\n",
    "\u202eabc",
    "-n",
    "\x01f",
    "'\x07'",
    "",
]
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=25,
)


def words_of(command: str) -> list[bytes]:
    """Return the words of a command line, as bash reads them."""
    script = f"printf '%s\\0' {command}"
    run = subprocess.run(["bash", "-c", script], capture_output=True, check=True, timeout=60)
    return run.stdout.split(b"\0")[:-1]


@settings(max_examples=40)
@given(st.lists(_TEXTS, min_size=1, max_size=20))
@example(_HARD)
def test_bash_reads_every_text_unchanged(texts: list[str]) -> None:
    assert words_of(" ".join(map(quoted, texts))) == [text.encode() for text in texts]


@settings(max_examples=40)
@given(st.binary(min_size=1, max_size=60).filter(lambda data: b"\0" not in data))
def test_bytes_that_are_not_utf8_are_quoted_too(data: bytes) -> None:
    assert words_of(quoted(data.decode("utf-8", "surrogateescape"))) == [data]


def test_a_quoted_text_shows_what_it_contains() -> None:
    """No escape sequences, and no text whose order a terminal changes."""
    written = " ".join(map(quoted, _HARD))
    assert all(each.isprintable() or each == "\n" for each in written)


def test_a_nul_character_cannot_be_quoted() -> None:
    with pytest.raises(CannotReproduce, match="NUL"):
        quoted("a\0b")


@given(_VALUES)
@example({"a": [{"b": "x" * 200}, ["y" * 90, {"c": None}], "\ud800", "\u202e", "'\"\\"]})
@example({})
def test_python_reads_every_value_unchanged(value: Any) -> None:
    written = literal(value, indent=8, taken=10)
    assert ast.literal_eval(written) == value
    assert all(each.isprintable() or each == "\n" for each in written)


@given(st.lists(st.tuples(st.sampled_from(["", "a", "long_name"]), st.text(max_size=80)), max_size=4))
def test_calls_are_one_expression(arguments: list[tuple[str, str]]) -> None:
    positional = [each for each in arguments if not each[0]]
    named = list({name: (name, value) for name, value in arguments if name}.values())
    tree = ast.parse(call("client.send", [*positional, *named], indent=4), mode="eval").body
    assert isinstance(tree, ast.Call)
    assert [ast.literal_eval(each) for each in tree.args] == [value for _, value in positional]
    assert [(each.arg, ast.literal_eval(each.value)) for each in tree.keywords] == named


def test_expressions_are_written_as_they_are() -> None:
    assert literal({"data": Expression('base64_of("a.wav")')}) == '{"data": base64_of("a.wav")}'
