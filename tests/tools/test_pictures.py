"""The pictures of the documentation are up to date: after a change, run ``make pictures``."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from rich.text import Text

from tools.pictures import badges, call, failing_test, rooms
from tools.pictures.__main__ import FOLDER


@pytest.mark.parametrize(("name", "make"), [("badges", badges.svg), ("rooms", rooms.svg)])
def test_a_picture_is_up_to_date(name: str, make: Callable[[], str]) -> None:
    assert (FOLDER / f"{name}.svg").read_text("utf-8") == make()


def test_the_picture_of_a_call_shows_what_its_example_does() -> None:
    kept, drawn = (FOLDER / "call.svg").read_text("utf-8"), call.svg()
    assert "No, thank you." in kept
    assert _without_numbers(drawn) == _without_numbers(kept)


@pytest.mark.slow
def test_the_picture_of_a_failing_test_shows_what_pytest_prints() -> None:
    printed = "".join(Text.from_ansi(failing_test.report()).plain.split())
    shown = failing_test.shown((FOLDER / "failing-test.svg").read_text("utf-8"))
    assert "nearmiss:" in printed
    assert shown == "$pytest" + printed


def _without_numbers(picture: str) -> str:
    """Return a drawing without its places and times, which another version of the speech engine changes."""
    return re.sub(r"\d+(\.\d+)?", "", picture)
