"""Tests the values at paths of a document: dotted (``messages[0].role``) or JSONPath (``$.messages[*].role``)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from mockserver.matching.allowance import Exhausted
from mockserver.matching.comparisons import Difference, PatternError, Test, shortened, value

_STEP = re.compile(r"\.?([^.\[\]]+)|\[([0-9]+)\]")
_MAX_DIGITS = 15  # of an index


def fields(name: str, wanted: Mapping[str, Any]) -> Test:
    """Test that one of the values at each path of a document satisfies what is wanted there."""
    tests = {path: value(f"{name}.{path}", each) for path, each in wanted.items()}
    finders = {path: finder(path) for path in wanted}

    def test(document: Mapping[str, Any]) -> Difference:
        for path, test_of_one in tests.items():
            try:
                difference = _of_all(test_of_one, finders[path](document))
            except Exhausted as error:
                raise Exhausted(f"{path}: {error}") from error
            if difference is not None:
                return f"{path}: {difference}"
        return None

    return test


def finder(path: str) -> Callable[[Any], list[Any]]:
    """Return a function that finds the values at a path in a document.

    Raises ``PatternError`` for an invalid path. The function raises ``Exhausted``.
    """
    if path.startswith("$"):
        from mockserver.matching import json_paths

        try:
            return json_paths.finder(path)
        except json_paths.JsonPathError as error:
            raise PatternError(f"fields.{shortened(path)}: {error}") from error
    found = [name or number for name, number in _STEP.findall(path)]
    if not found or any(step.isdecimal() and len(step) > _MAX_DIGITS for step in found):
        raise PatternError(
            f"fields.{shortened(path)}: is not a path. Write one such as 'messages[0].role', "
            "or a JSONPath, which begins with '$'."
        )
    return partial(_walk, found)


def _walk(steps: list[str], document: Any) -> list[Any]:
    for step in steps:
        if isinstance(document, list) and step.isdecimal() and int(step) < len(document):
            document = document[int(step)]
        elif isinstance(document, Mapping) and step in document:
            document = document[step]
        else:
            return []
    return [document]


def _of_all(test: Test, found: list[Any]) -> Difference:
    """Return the difference of the first value found, or ``None`` if any value passes."""
    differences = [test(value) for value in found or [None]]
    return None if None in differences else differences[0]
