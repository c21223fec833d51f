"""Places in a document: the members that it may have, with the allowed texts of each.

Types of the SDK and JSON Schemas are converted to this form. A place is written as
``messages[]<role=user>.content[]<type=text>.text``: ``[]`` stands for the items of an array, ``<role=user>`` for the
objects with that value. The member that distinguishes the objects has its own place, ``messages[]<role>``, with its
values.
"""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.drift.findings import Finding, Kind

Places = dict[str, frozenset[str]]  # allowed texts by place; an empty set allows any value

DISCRIMINATORS = ("type", "role", "object")


def add(places: Places, place: str, texts: frozenset[str] = frozenset()) -> None:
    """Add a place, or add texts to it."""
    places[place] = places.get(place, frozenset()) | texts


def flat(place: str) -> str:
    """Return a top-level place without its kind of object: ``name`` for ``<type=a>.name``."""
    if place.startswith("<"):
        label, _, rest = place[1:].partition(">")
        return rest.removeprefix(".") or label
    return place


def differences(where: str, ours: Places, theirs: Places, *, missing: Kind, extra: Kind) -> Iterator[Finding]:
    """Yield the places that only the SDK or only the schema has (the topmost ones), and different texts."""
    for place in _topmost(theirs, ours):
        yield Finding(missing, f"{where}: {place}", f"the SDK has {place}, the schema has not.")
    for place in _topmost(ours, theirs):
        yield Finding(extra, f"{where}: {place}", f"the schema has {place}, the SDK has not.")
    for place in sorted(ours.keys() & theirs.keys()):
        mine, others = ours[place], theirs[place]
        if not mine or not others:  # one of both allows any text
            continue
        for text in sorted(others - mine):
            yield Finding("missing_literal", f"{where}: {place}={text}", f"the SDK has {text!r} for {place}.")
        for text in sorted(mine - others):
            yield Finding(
                "extra_literal", f"{where}: {place}={text}", f"the SDK has no {text!r} for {place}."
            )


def _topmost(these: Places, those: Places) -> list[str]:
    """Return the places that only ``these`` have, without places below another such place."""
    only = sorted(place for place in these if place not in those)
    found: list[str] = []
    for place in only:
        if not any(place.startswith((f"{each}.", f"{each}[]", f"{each}<")) for each in found):
            found.append(place)
    return found
