"""Parses JSON, and refuses what Python's own parser lets through beyond the standard (RFC 8259)."""

from __future__ import annotations

import json
import math
from typing import Any

_MARKS = b",:[{"  # there is one before each value and each name, but for the outermost value
_NO_MARKS = bytes({*range(256)} - {*_MARKS, *b'"'})


class TooManyValues(ValueError):
    """JSON of more values and names than are taken: in memory they would be many times as large."""


def parse(data: bytes, most_values: int | None = None) -> Any:
    """The JSON value in ``data``: UTF-8, with or without a byte order mark.

    Raises ``ValueError`` also for numbers that are none (``NaN``) or too large (``1e400``), for halves of
    surrogate pairs, which no UTF-8 text can hold, and for what is nested too deeply; ``TooManyValues``, before
    anything is made of it, for more than ``most_values`` of values and names.
    """
    if most_values is not None and _has_more_values(data, most_values):
        raise TooManyValues(f"it has more than {most_values} values and names")
    text = data.decode("utf-8-sig")
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if "\\" in text and ("\\ud" in text or "\\uD" in text):  # the first is fast, and mostly enough
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    return value


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits} is too large")
    return number


def _has_more_values(data: bytes, most: int) -> bool:
    """Whether JSON has more than ``most`` values and names. Marks in its texts do not count.

    Nothing here is done byte by byte: a body of megabytes takes some tens of milliseconds.
    """
    if sum(map(data.count, _MARKS)) <= most:
        return False
    unescaped = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    if unescaped.count(b'"') > 2 * most:  # each text is a value or a name
        return True
    texts_with_marks = unescaped.translate(None, delete=_NO_MARKS).replace(b'""', b"")
    return sum(map(len, texts_with_marks.split(b'"')[::2])) > most
