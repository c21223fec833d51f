"""Stubs and faults that are switched on and off: the member ``enabled`` of their documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEMBER = "enabled"


def switched(document: Mapping[str, Any], enabled: bool) -> dict[str, Any]:
    """Return the document of a stub or fault, switched on or off. One that is on does not say so."""
    if not enabled:
        return {**document, _MEMBER: False}
    return {name: value for name, value in document.items() if name != _MEMBER}
