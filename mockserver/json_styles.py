"""The JSON styles of the API: which service answers shows in how its JSON is spaced."""

from __future__ import annotations

import json

import msgspec

_ESCAPED_BY_GO = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def compact(value: object) -> bytes:
    """No spaces, no trailing newline: answers of the audio endpoints, and errors of ``whisper-1``."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "replace"
    )


def streamed(value: object) -> bytes:
    """No spaces, no trailing newline, numbers as Rust prints them: the data of events.

    ``-1.2e-6`` where ``compact`` has ``-1.2e-06``, and ``0.00002`` for ``2e-05``.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # half of a surrogate pair, from a client's JSON
        return msgspec.json.encode(json.loads(compact(value)))


def two_spaces(value: object) -> bytes:
    """Indented by two, no trailing newline: errors that a model's engine raises."""
    return msgspec.json.format(compact(value), indent=2)  # an indenting json.dumps is ten times slower


def two_spaces_newline(value: object) -> bytes:
    """Indented by two, with a trailing newline: lists and objects such as those of ``/v1/models``."""
    return two_spaces(value) + b"\n"


def four_spaces(value: object) -> bytes:
    """Indented by four, with a trailing newline: the gateway's errors (key, unknown model, limits).

    As Go's library writes JSON: what could end a script in HTML is escaped.
    """
    text = json.dumps(value, ensure_ascii=False, indent=4, allow_nan=False).translate(_ESCAPED_BY_GO)
    return text.encode("utf-8", "replace") + b"\n"
