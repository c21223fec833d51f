"""JSON request bodies."""

from __future__ import annotations

import pytest

from mockserver.errors import ApiError
from mockserver.pipeline.request_body import parse_json


def test_a_body_is_an_object() -> None:
    assert parse_json('{"input": "Grüße \\ud83d\\ude00"}'.encode()) == {"input": "Grüße \U0001f600"}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"input": "\\ud83d"}', b'{"\\uDC00": 1}', b'{"speed": NaN}', b"\xff"]
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(ApiError, match=r"^invalid_json$"):
        parse_json(body)


def test_more_values_than_are_taken_are_refused_by_their_number() -> None:
    body = b'{"input": [1, 2, 3]}'
    assert parse_json(body, 6) == {"input": [1, 2, 3]}
    with pytest.raises(ApiError, match=r"^too_many_values$") as refusal:
        parse_json(body, 4)
    assert refusal.value.values == {"most": 4}
