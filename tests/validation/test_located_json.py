"""Reads JSON with the line and column of every value."""

from __future__ import annotations

import pytest

from mockserver.validation.located import SourceError
from mockserver.validation.located_json import read


def test_every_value_has_its_line_and_column() -> None:
    found = read(b'\xef\xbb\xbf{\n  "a": [\n    1, {"b": "x, {\\"\\n"}\n  ],\n  "c":\n    null\n}')
    assert found.value == {"a": [1, {"b": 'x, {"\n'}], "c": None}
    places = {
        (): (1, 1),
        ("a",): (2, 3),
        ("a", 0): (3, 5),
        ("a", 1): (3, 8),
        ("a", 1, "b"): (3, 9),
        ("c",): (5, 3),
    }
    assert found.marks == places


def test_what_is_missing_has_the_line_of_what_would_hold_it() -> None:
    found = read(b'{\n"a": {}}')
    assert found.mark_of(("a", "b", 3)).line == 2
    assert found.mark_of(("z",)).line == 1


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b'{\n"a": 1,\n"b" 2}', 3, "is not JSON: "),
        (b"", 1, "is not JSON: "),
        (b'{"a": 1,\n "b": {"a": 2},\n "a": 3}', 3, "'a' is given twice, first on line 1."),
        (b'["NaN",\n NaN]', 2, "NaN is not JSON."),
        (b"[1,\n\n1e999]", 3, "1e999 is too large."),
        (b'["a",\n"\\ud800"]', 2, "an unpaired surrogate"),
        (b'["a",\n"\xff"]', 2, "is not UTF-8"),
        (b"[" * 101 + b"]" * 101, 1, "nested more than 100 deep"),
        (b"[" * 99_999 + b"]" * 99_999, 1, "nested more than 100 deep"),
    ],
    ids=lambda each: str(each)[:20],
)
def test_an_error_is_reported_with_its_line(data: bytes, line: int, message: str) -> None:
    with pytest.raises(SourceError) as refusal:
        read(data)
    assert message in str(refusal.value)
    assert refusal.value.mark.line == line
