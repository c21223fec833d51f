"""Places in a document: every member that it may have, and the values that a text there may have.

Both a type of the SDK and a JSON Schema are brought into this form. A place is written as
``messages[]<role=user>.content[]<type=text>.text``: ``[]`` stands for the items of an array, ``<role=user>`` for
the objects that have that value. The member that distinguishes them has a place of its own, ``messages[]<role>``,
with the values there are.
"""

from __future__ import annotations

from collections.abc import Iterator

from mockserver.drift.findings import Finding, Kind

Places = dict[str, frozenset[str]]  # place → the texts that it admits; none: any value

DISCRIMINATORS = ("type", "role", "object")


def add(places: Places, place: str, texts: frozenset[str] = frozenset()) -> None:
    """Add a place, or further texts to one."""
    places[place] = places.get(place, frozenset()) | texts


def flat(place: str) -> str:
    """Return a place at the top without the kind of object that it belongs to: ``<type=a>.name`` as ``name``."""
    if place.startswith("<"):
        label, _, rest = place[1:].partition(">")
        return rest.removeprefix(".") or label
    return place


def differences(where: str, ours: Places, theirs: Places, *, missing: Kind, extra: Kind) -> Iterator[Finding]:
    """Yield what the SDK has and we have not, and the reverse; of what is missing, only the topmost places."""
    for place in _topmost(theirs, ours):
        yield Finding(missing, f"{where}: {place}", f"the SDK has {place}, the schema has not.")
    for place in _topmost(ours, theirs):
        yield Finding(extra, f"{where}: {place}", f"the schema has {place}, the SDK has not.")
    for place in sorted(ours.keys() & theirs.keys()):
        mine, others = ours[place], theirs[place]
        if not mine or not others:  # any text is allowed
            continue
        for text in sorted(others - mine):
            yield Finding("missing_literal", f"{where}: {place}={text}", f"the SDK has {text!r} for {place}.")
        for text in sorted(mine - others):
            yield Finding(
                "extra_literal", f"{where}: {place}={text}", f"the SDK has no {text!r} for {place}."
            )


def _topmost(these: Places, those: Places) -> list[str]:
    """Return the places that only ``these`` have, without those below another one of them."""
    only = sorted(place for place in these if place not in those)
    found: list[str] = []
    for place in only:
        if not any(place.startswith((f"{each}.", f"{each}[]", f"{each}<")) for each in found):
            found.append(place)
    return found
