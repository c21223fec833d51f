"""JSON is read strictly as its standard defines it."""

from __future__ import annotations

import json

import pytest

from mockserver import strict_json


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": [1, 2.5, true, null]}', {"a": [1, 2.5, True, None]}),
        ('"\\ud83d\\uDE00 \\\\ud83d"', "\U0001f600 \\ud83d"),
        ("1e-400", 0.0),
        ("[" * 500 + "]" * 500, json.loads("[" * 500 + "]" * 500)),
    ],
)
def test_json_is_read(text: str, value: object) -> None:
    assert strict_json.parse(text.encode()) == value
    assert strict_json.parse(text.encode("utf-8-sig")) == value


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"{", "Expecting property name"),
        (b"[NaN]", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"[-1e400]", "-1e400 is too large"),
        (b'"\\ud83d"', "surrogates not allowed"),
        (b'"\\uDe00\\ud83d"', "surrogates not allowed"),
        (b'{"\\uD83D": 1}', "surrogates not allowed"),
        (b'"\xed\xa0\xbd"', "can't decode"),
        ('"text"'.encode("utf-16"), "can't decode"),
        (b"[" * 100_000, "nested too deeply"),
    ],
)
def test_what_is_no_json_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        strict_json.parse(data)


@pytest.mark.parametrize("text", ['{"a": [1, 2, 3]}', "[[], {}, 5]", '[",,,,,[[[[", 1, 2]', '"\\",,,,,,,,"'])
def test_as_many_values_and_names_as_are_allowed_are_read(text: str) -> None:
    assert strict_json.parse(text.encode(), max_values=5) == json.loads(text)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": [1, 2, 3, 4]}',
        b"[[],[],[]]",
        b'{"a": {"b": {"c": 1}}}',
        b"[" * 1_000_000,
        b'""' * 1_000_000 + b",,,,,,",  # no JSON: refused without reading all of it
        b'["\\"", ",,", "", 1, "\\\\", "',
    ],
)
def test_more_values_and_names_are_refused_before_anything_is_made_of_them(data: bytes) -> None:
    with pytest.raises(strict_json.TooManyValues, match="more than 5 values and names"):
        strict_json.parse(data, max_values=5)
