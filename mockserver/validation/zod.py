"""The AI/ML API's wording of violations: that of the validation library zod 3.

The wording of a value outside an enumeration was recorded; the others are those of the library.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.validation.violations import Violation

_RECEIVED = {str: "string", bool: "boolean", int: "number", float: "number", list: "array", dict: "object"}
_BOUNDS = {
    "minimum": "Number must be greater than or equal to {bound}",
    "maximum": "Number must be less than or equal to {bound}",
}

Issue = dict[str, Any]


def issues(violations: Iterable[Violation]) -> list[Issue]:
    """Return an issue for each violation, with its path and message, in the order of the declared parameters."""
    ordered = sorted(violations, key=lambda violation: violation.order)
    return [{"path": list(violation.path), "message": _message(violation)} for violation in ordered]


def no_such_value(name: str, known: Sequence[str], received: str) -> list[Issue]:
    """Return the issue of a parameter with a value that is not one of the ``known`` values."""
    expected = " | ".join(f"'{each}'" for each in known)
    return [
        {"path": [name], "message": f"Invalid enum value. Expected {expected}, received '{received[:1000]}'"}
    ]


def _message(violation: Violation) -> str:
    keyword, expected, found = violation.keyword, violation.expected, violation.found
    if keyword == "required":
        return "Required"
    if keyword == "type":
        wanted = expected[0] if isinstance(expected, list) else expected
        return f"Expected {wanted}, received {_RECEIVED.get(type(found), 'null')}"
    if keyword == "enum":
        return str(no_such_value("", expected, str(found))[0]["message"])
    if keyword in _BOUNDS:
        return _BOUNDS[keyword].format(bound=expected)
    if keyword in ("pattern", "format"):
        return f"Invalid {violation.path[-1]}"
    return "Invalid input"
