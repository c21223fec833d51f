"""Draws documents that differ from valid ones in a few places."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st


@st.composite
def spoilt(
    draw: st.DrawFn,
    valid: Sequence[Any],
    members: Sequence[str],
    stray: st.SearchStrategy[Any],
    least: int = 0,
) -> Any:
    """Draw one of ``valid`` with ``least`` to three values, at any depth, replaced, removed or added.

    ``members`` are the names of members to add, and ``stray`` draws the values.
    """
    document = deepcopy(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(least, 3))):
        place = draw(st.sampled_from(_containers(document)))
        names = [*place, *members] if isinstance(place, dict) else range(len(place))
        name = draw(st.sampled_from(names))
        if draw(st.booleans()) and (isinstance(place, list) or name in place):
            del place[name]
        else:
            place[name] = deepcopy(draw(stray))
    return document


def _containers(value: Any) -> list[Any]:
    """Return every object and every non-empty array in ``value``."""
    if not isinstance(value, dict | list) or value == []:
        return []
    inner = value.values() if isinstance(value, dict) else value
    return [value, *(each for one in inner for each in _containers(one))]
