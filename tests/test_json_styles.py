"""Numbers are printed as Python does in whole answers, and as Rust does in events."""

from __future__ import annotations

import json

import pytest

from mockserver import json_styles


@pytest.mark.parametrize(
    ("number", "whole", "streamed"),
    [
        (-1.2664456789934775e-6, b"-1.2664456789934775e-06", b"-1.2664456789934775e-6"),
        (-2.629921436891891e-5, b"-2.629921436891891e-05", b"-0.00002629921436891891"),
        (1e-5, b"1e-05", b"0.00001"),
        (9.818326983657703e-7, b"9.818326983657703e-07", b"9.818326983657703e-7"),
        (0.005284363395662242, b"0.005284363395662242", b"0.005284363395662242"),
        (0.0, b"0.0", b"0.0"),
        (7, b"7", b"7"),
    ],
)
def test_numbers_are_printed_as_recorded(number: float, whole: bytes, streamed: bytes) -> None:
    assert json_styles.compact(number) == whole
    assert json_styles.streamed(number) == streamed


@pytest.mark.parametrize("text", ["Grüße 😀 <&>", '\x00\t\n"\\/', "half: \ud83d"])
def test_texts_are_the_same_in_both(text: str) -> None:
    assert json_styles.streamed([text]) == json_styles.compact([text])
    assert json.loads(json_styles.streamed([text]))


@pytest.mark.parametrize(
    "value", [{"a": [1, -2, True, None, "Grüße"], "b": {}, "c": []}, ["half: \ud83d", 2**64]]
)
def test_values_without_floats_are_written_the_same_but_faster(value: object) -> None:
    for style in (json_styles.compact, json_styles.two_spaces, json_styles.two_spaces_newline):
        assert style(value, has_floats=False) == style(value)
