"""Parses JSON strictly by RFC 8259; Python's own parser accepts more."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

import msgspec

_MAX_FAST = 1 << 16  # bytes that msgspec decodes, several times faster; without memory for more, it crashes
_MARKS = b",:[{"  # one precedes each value and each name, except the outermost value
_NO_MARKS = bytes({*range(256)} - {*_MARKS})
_NO_MARKS_OR_QUOTES = bytes({*range(256)} - {*_MARKS, *b'"'})


class TooManyValues(ValueError):
    """JSON has more values and names than allowed; in memory they would take many times its size."""


def parse(data: bytes, max_values: int | None = None) -> Any:
    """Return the JSON value in ``data``: UTF-8, with or without a byte order mark.

    Raises ``ValueError``, also for ``NaN`` and infinity, for numbers that are too large (``1e400``), for lone
    surrogates and for too deep nesting; ``TooManyValues``, before parsing, for more than ``max_values`` values and
    names.
    """
    if max_values is not None and len(data) > max_values and _has_more_values(data, max_values):
        raise TooManyValues(f"it has more than {max_values} values and names")
    if len(data) <= _MAX_FAST:
        with suppress(ValueError, RecursionError):  # it is as strict, but its messages say less
            return msgspec.json.decode(data)
    return _parse_in_python(data)


def _parse_in_python(data: bytes) -> Any:
    """Return the value, which may follow a byte order mark, or raise ``ValueError`` with the reason."""
    text = data.decode("utf-8-sig")
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
        if "\\" in text and ("\\ud" in text or "\\uD" in text):  # the first test is fast and usually decides
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


def _has_more_values(data: bytes, limit: int) -> bool:
    """Return whether JSON has more than ``limit`` values and names. Marks in strings do not count.

    There is no loop over bytes: a body of megabytes takes tens of milliseconds.
    """
    if len(data.translate(None, delete=_NO_MARKS)) <= limit:  # several times faster than to count each mark
        return False
    unescaped = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    if unescaped.count(b'"') > 2 * limit:  # each string is a value or a name
        return True
    marks_and_quotes = unescaped.translate(None, delete=_NO_MARKS_OR_QUOTES).replace(b'""', b"")
    return sum(map(len, marks_and_quotes.split(b'"')[::2])) > limit
