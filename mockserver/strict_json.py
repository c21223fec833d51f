"""Parses JSON, and refuses what Python's own parser lets through beyond the standard (RFC 8259)."""

from __future__ import annotations

import json
import math
from typing import Any


def parse(data: bytes) -> Any:
    """The JSON value in ``data``: UTF-8, with or without a byte order mark.

    Raises ``ValueError`` also for numbers that are none (``NaN``) or too large (``1e400``), for halves of
    surrogate pairs, which no UTF-8 text can hold, and for what is nested too deeply.
    """
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
