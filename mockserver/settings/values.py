"""Checks the values of settings: type, bounds and form."""

from __future__ import annotations

import math
import os
from dataclasses import Field
from typing import Any

from mockserver.wording import problem_of_text, shown

_TRUTH = {
    "true": True,
    "1": True,
    "yes": True,
    "on": True,
    "false": False,
    "0": False,
    "no": False,
    "off": False,
}
_KIND_NAMES = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    tuple: "a list of strings",
}


class SettingsError(Exception):
    """A setting is invalid. The message names its source, the problem and the remedy."""


def kind_of(option: Field[Any]) -> type:
    """Return the type of a setting's values (``bool``, ``int``, ``float``, ``str`` or ``tuple``)."""
    return type(option.default)


def checked(option: Field[Any], value: object, source: str) -> Any:
    """Return ``value`` converted to the option's type; strings are parsed.

    Raises ``SettingsError`` naming the ``source``.
    """
    kind, rules = kind_of(option), option.metadata
    try:
        typed = _typed(kind, value)
    except (TypeError, ValueError, OverflowError):
        raise SettingsError(f"{source}: {shown(value)} is not {_KIND_NAMES[kind]}. {rules['help']}") from None
    for text in typed if isinstance(typed, tuple) else (typed,):
        if isinstance(text, str) and (problem := problem_of_text(text, is_path=rules["is_path"])):
            raise SettingsError(f"{source}: {shown(text)} {problem}. {rules['help']}")
    if rules["choices"] and typed not in rules["choices"]:
        raise SettingsError(f"{source}: {shown(value)} is not one of {', '.join(rules['choices'])}.")
    low, high = rules["minimum"], rules["maximum"]
    if low is not None and typed < low:
        raise SettingsError(f"{source}: {shown(value)} is too small; the minimum is {_number(low)}.")
    if high is not None and typed > high:
        raise SettingsError(f"{source}: {shown(value)} is too large; the maximum is {_number(high)}.")
    try:
        admitted = rules["admits"](typed)
    except ValueError as error:
        raise SettingsError(f"{source}: {error}.") from error
    if not admitted:
        raise SettingsError(f"{source}: {shown(value)} is not valid. {rules['help']}")
    return typed


def _typed(kind: type, value: object) -> object:
    if kind is tuple:
        if not isinstance(value, list | tuple) or not all(isinstance(part, str) for part in value):
            raise TypeError
        return tuple(part for part in value if part)
    if isinstance(value, str) and kind is bool:
        if value.lower() not in _TRUTH:
            raise ValueError
        return _TRUTH[value.lower()]
    if isinstance(value, str) and kind in (int, float):
        value = kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not kind or (isinstance(value, float) and not math.isfinite(value)):
        raise TypeError
    return value


def is_sendable(text: str) -> bool:
    """Return whether a header can carry ``text`` unchanged: without leading or trailing spaces."""
    return text == text.strip()


def is_folder(text: str) -> bool:
    """Return ``True`` if ``text`` is empty or a readable folder. Raises ``ValueError`` otherwise."""
    if text and not os.path.isdir(text):
        problem = "is not a folder" if os.path.lexists(text) else "does not exist"
        raise ValueError(f"{shown(text)} {problem}; name a folder, or leave the setting empty")
    if text and not os.access(text, os.R_OK | os.X_OK):
        raise ValueError(f"{shown(text)} cannot be read; change its permissions, or name another folder")
    return True


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"
