"""Makes texts printable, for reports in XML."""

from __future__ import annotations


def printable(text: str) -> str:
    """Return a text in one line, without characters that XML cannot contain."""
    return "".join(each if each.isprintable() else " " if each.isspace() else "" for each in text)
