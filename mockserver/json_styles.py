"""Writes JSON in the styles of the API, whose services differ in spacing and escapes."""

from __future__ import annotations

import json

import msgspec

_ESCAPED_BY_GO = {ord(mark): f"\\u{ord(mark):04x}" for mark in "<>&\u2028\u2029"}


def compact(value: object, *, has_floats: bool = True) -> bytes:
    """Return JSON without spaces or a trailing newline: answers of the audio endpoints, and errors of ``whisper-1``.

    A value without floats is written faster: of msgspec's JSON, only floats look different from Python's.
    """
    if not has_floats:
        return streamed(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "replace"
    )


def streamed(value: object) -> bytes:
    """Return JSON without spaces or a trailing newline, with numbers as Rust prints them: the data of events.

    It writes ``-1.2e-6`` where ``compact`` writes ``-1.2e-06``, and ``0.00002`` for ``2e-05``.
    """
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:  # half of a surrogate pair, from a client's JSON
        return msgspec.json.encode(json.loads(compact(value)))


def two_spaces(value: object, *, has_floats: bool = True) -> bytes:
    """Return JSON indented by two, without a trailing newline: errors that a model's engine raises."""
    written = compact(value, has_floats=has_floats)
    return msgspec.json.format(written, indent=2)  # json.dumps with an indent is ten times slower


def two_spaces_ascii(value: object) -> bytes:
    """Return JSON indented by two, without a trailing newline, with escapes for all but ASCII: responses."""
    return msgspec.json.format(json.dumps(value, separators=(",", ":"), allow_nan=False).encode(), indent=2)


def two_spaces_newline(value: object, *, has_floats: bool = True) -> bytes:
    """Return JSON indented by two, with a trailing newline: lists and objects such as those of ``/v1/models``."""
    return two_spaces(value, has_floats=has_floats) + b"\n"


def four_spaces(value: object) -> bytes:
    """Return JSON indented by four, with a trailing newline: the gateway's errors (key, unknown model, limits).

    As Go's library does, it escapes the characters that could end a script in HTML.
    """
    text = json.dumps(value, ensure_ascii=False, indent=4, allow_nan=False).translate(_ESCAPED_BY_GO)
    return text.encode("utf-8", "replace") + b"\n"
