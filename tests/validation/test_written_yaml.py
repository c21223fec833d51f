"""Writes JSON values as YAML that is read as the same values."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from mockserver.validation.located_yaml import read
from mockserver.validation.written_yaml import write


@pytest.mark.parametrize(
    "value",
    [
        {"when": {"endpoint": "chat"}, "reply": {"say": "It is sunny."}, "times": 2, "priority": -1.5},
        {"a": [[], {}, None, True, False, 0, 1e300, 1e-7, 123456789012345678901234567890]},
        [
            "null",
            "true",
            "No",
            "~",
            "",
            " ",
            "1e5",
            "-0",
            "1.5",
            "007",
            "0x1F",
            "12:30",
            "2026-01-01",
            "<<",
            "=",
        ],
        [
            "- a",
            "# b",
            "a: b",
            "a #b",
            "*c",
            "&d",
            "!e",
            "%f",
            "@g",
            "`h",
            "'i'",
            '"j"',
            "k\\n",
            "{",
            "[1]",
            "|",
            ">",
        ],
        [
            "one\ntwo",
            "one\ntwo\n",
            "one\n\n\ntwo\n\n",
            "\none",
            "  one\ntwo",
            "one  \ntwo",
            "one\r\ntwo",
            "one\n\ttwo",
        ],
        [{"": {" ": "blank names"}}, {"1": 1, "null": 2, "true": 3, "1e5": 4, "a\nb": 5, "<<": 6}],
        {"long": "word " * 500, "base64": "QUJD" * 500},
    ],
)
def test_what_is_written_is_read_as_it_was(value: Any) -> None:
    (found,) = read(write(value))
    assert found.value == value
    assert repr(found.value) == repr(value)  # 1 is not 1.0


def test_every_character_is_read_as_it_was() -> None:
    surrogates = range(0xD800, 0xE000)
    texts = [
        f"a{chr(code)}b\n{chr(code)}"
        for code in (*range(0x3000), *range(0xD000, 0x10000), *range(0x10000, sys.maxunicode + 1, 0x1001))
        if code not in surrogates
    ]
    (found,) = read(write(texts))
    assert found.value == texts


def test_texts_of_several_lines_are_blocks_and_nothing_is_an_alias() -> None:
    shared = {"text": "First.\nSecond.\n"}
    assert write([shared, shared]).decode() == "- text: |\n    First.\n    Second.\n" * 2
