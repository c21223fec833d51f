"""Limits written as text."""

from __future__ import annotations

import pytest

from mockserver.settings.limit_overrides import parse_overrides


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("", {}),
        ("requests_per_minute=3", {"requests_per_minute": 3}),
        (
            " requests_per_day = 50 , tokens_per_minute = none ,",
            {"requests_per_day": 50, "tokens_per_minute": None},
        ),
        ("requests_per_minute=3,requests_per_minute=4", {"requests_per_minute": 4}),
    ],
)
def test_limits_are_read_by_kind(text: str, limits: dict[str, int | None]) -> None:
    assert parse_overrides(text) == limits


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("rpm=3", "'rpm' is not one of requests_per_minute, "),
        ("3", "'3' is not one of "),
        ("requests_per_minute", "requests_per_minute='' is not "),
        ("requests_per_minute=0", "requests_per_minute='0' is not "),
        ("requests_per_minute=1.5", "requests_per_minute='1.5' is not "),
        ("requests_per_minute=\u00b2", "requests_per_minute='\u00b2' is not "),
        ("requests_per_minute=1e3", "requests_per_minute='1e3' is not "),
        ("requests_per_minute=None", "requests_per_minute='None' is not "),
    ],
)
def test_what_makes_no_sense_is_named(text: str, place: str) -> None:
    with pytest.raises(ValueError, match="is n") as refusal:
        parse_overrides(text)
    assert str(refusal.value).startswith(place)
