"""Checks the values of settings: their type, their bounds and their form."""

from __future__ import annotations

import ipaddress
import math
import os
import re
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
    str: "a text",
    tuple: "a list of texts",
}
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")  # RFC 1123, and the underscore of container names
_ALLOWED_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[\w.*?-]+)(?::(?P<port>[0-9]{1,5}))?")


class SettingsError(Exception):
    """A setting makes no sense. The message names where it was found and what would be right."""


def kind_of(option: Field[Any]) -> type:
    """Return the type of a setting's values (``bool``, ``int``, ``float``, ``str`` or ``tuple``)."""
    return type(option.default)


def checked(option: Field[Any], value: object, source: str) -> Any:
    """Return ``value`` as the option's type (texts are parsed). Raises ``SettingsError`` naming the ``source``."""
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
        raise SettingsError(f"{source}: {shown(value)} is too small; the least is {_number(low)}.")
    if high is not None and typed > high:
        raise SettingsError(f"{source}: {shown(value)} is too large; the most is {_number(high)}.")
    try:
        admitted = rules["admits"](typed)
    except ValueError as error:
        raise SettingsError(f"{source}: {error}.") from error
    if not admitted:
        raise SettingsError(f"{source}: {shown(value)} is not possible. {rules['help']}")
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


def is_host(text: str) -> bool:
    """Return whether ``text`` is an IP address, or could be the name of a host; a port is part of neither."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= 253 and _HOST_NAME.fullmatch(text) is not None
    return True


def are_allowed_hosts(text: str) -> bool:
    """Return whether ``text`` names hosts by ``HOST``, ``*.DOMAIN`` or ``HOST:PORT``, separated by commas.

    Raises ``ValueError`` for the first that it does not.
    """
    for entry in filter(None, (each.strip() for each in text.split(","))):
        found = _ALLOWED_HOST.fullmatch(entry)
        if found is None or not 0 < int(found["port"] or 1) < 65536:
            raise ValueError(
                f"{shown(entry)} is neither HOST, *.DOMAIN nor HOST:PORT; write the host without http:// or a path"
            )
    return True


def is_sendable(text: str) -> bool:
    """Return whether a header can carry ``text`` as it is: spaces around it would get lost."""
    return text == text.strip()


def is_folder(text: str) -> bool:
    """Return whether ``text`` is empty or a folder that can be read. Raises ``ValueError`` if not."""
    if text and not os.path.isdir(text):
        what = "is not a folder" if os.path.lexists(text) else "is not there"
        raise ValueError(f"{shown(text)} {what}; name a folder, or leave the setting empty")
    if text and not os.access(text, os.R_OK | os.X_OK):
        raise ValueError(f"{shown(text)} cannot be read; change its permissions, or name another folder")
    return True


def _number(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"
