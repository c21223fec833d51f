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
