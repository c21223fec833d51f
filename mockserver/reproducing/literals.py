"""Writes values as Python, in the layout of formatters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_WIDTH = 100  # characters
_INDENT = 4


class Expression(str):
    """Python that is written as it is, in place of a value."""

    __slots__ = ()


def literal(value: Any, indent: int = 0, taken: int = 0) -> str:
    """Return a JSON value as Python.

    ``indent`` is the indentation of the line in which it begins, ``taken`` the other characters of that line. Names of
    members and texts are written in ASCII where they have characters that cannot be seen.
    """
    flat = _flat(value)
    if indent + taken + len(flat) <= _WIDTH or not isinstance(value, Mapping | list) or not value:
        return flat
    inside = indent + _INDENT
    if isinstance(value, list):
        rows = [literal(each, inside, 1) for each in value]
        opening, closing = "[]"
    else:
        rows = []
        for name, each in value.items():
            key = f"{quoted(name)}: "
            rows.append(key + literal(each, inside, len(key) + 1))
        opening, closing = "{}"
    return opening + _lines(rows, inside) + "\n" + " " * indent + closing


def call(function: str, arguments: Sequence[tuple[str, Any]], indent: int = 0, taken: int = 0) -> str:
    """Return a call as Python; arguments with an empty name are positional."""
    flat = ", ".join(_named(name) + _flat(value) for name, value in arguments)
    if indent + taken + len(function) + len(flat) + 2 <= _WIDTH:
        return f"{function}({flat})"
    inside = indent + _INDENT
    rows = [_named(name) + literal(value, inside, len(_named(name)) + 1) for name, value in arguments]
    return f"{function}({_lines(rows, inside)}\n{' ' * indent})"


def quoted(text: str) -> str:
    """Return a text as Python, in double quotes if that needs no more escapes."""
    written = repr(text)
    if written[0] == "'" and '"' not in text:
        return f'"{written[1:-1]}"'
    return written


def _named(name: str) -> str:
    return f"{name}=" if name else ""


def _lines(rows: Sequence[str], indent: int) -> str:
    return "".join(f"\n{' ' * indent}{row}," for row in rows)


def _flat(value: Any) -> str:
    if isinstance(value, Expression):
        return str(value)
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{quoted(name)}: {_flat(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat, value)) + "]"
    return repr(value)
