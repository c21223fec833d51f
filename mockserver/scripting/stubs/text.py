"""Finds the stubs in a JSON or YAML text, and the lines that errors in them refer to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mockserver.validation import located_json
from mockserver.validation.located import Located, Mark, Place, SourceError

if TYPE_CHECKING:
    from mockserver.validation.violations import Violation

_GUIDE = "docs/stubs.md describes the form of a stub."


def stubs_in(data: bytes, *, is_json: bool) -> Iterator[tuple[Located, Place, Any]]:
    """Yield the stubs of a JSON or YAML text, each with its document and its place in it.

    A document is a stub, a list of stubs, or an object with a list of ``stubs``. Raises ``SourceError``.
    """
    if not is_json:
        from mockserver.validation import located_yaml

        documents = located_yaml.read(data)
    else:
        documents = [located_json.read(data)] if data.strip() else []
    if not documents:
        raise SourceError(Mark(1), "the file has no stubs. Write one, or remove the file.")
    for located in documents:
        for place, stub in _listed(located):
            yield located, place, stub


def _listed(located: Located) -> Iterator[tuple[Place, Any]]:
    value = located.value
    if isinstance(value, list):
        yield from (((number,), stub) for number, stub in enumerate(value))
    elif not isinstance(value, dict) or "stubs" not in value:
        yield (), value
    else:
        others = [name for name in value if name != "stubs"]
        if others:
            mark = located.mark_of((others[0],))
            raise SourceError(mark, f"{others[0]}: only `stubs` may be here. Move it into a stub.")
        if not isinstance(value["stubs"], list):
            raise SourceError(
                located.mark_of(("stubs",)), "stubs: is not a list. Write each stub as an item."
            )
        yield from ((("stubs", number), stub) for number, stub in enumerate(value["stubs"]))


def schema_error(violations: list[Violation], located: Located, place: Place) -> SourceError:
    """Return the error for the most relevant of the ``violations`` of the stub at ``place``."""
    from mockserver.validation import explanations as explain

    violation = explain.most_relevant(violations)
    mark = located.mark_of((*place, *violation.path))
    if violation.keyword == "oneOf":
        given = "both `reply` and `replies`" if "reply" in violation.found else "no `reply`"
        return SourceError(mark, f"the stub has {given}. Give one reply, or `replies`. {_GUIDE}")
    if not violation.path:
        return SourceError(mark, f"a stub is an object with `when` and `reply`. {_GUIDE}")
    found = explain.standard(violation)
    if violation.keyword == "additionalProperties":
        from mockserver.validation.spelling import hint

        meant = hint(str(violation.path[-1]), violation.schema.get("properties", {}))
        return SourceError(mark, f"Unknown parameter: '{found.param}'. {meant} {_GUIDE}")
    if violation.keyword == "minProperties":
        return SourceError(mark, f"{found.param}: is empty. {_GUIDE}")
    named = f"'{found.param}'" in found.message
    message = found.message if named else f"{found.param}: {found.message}"
    return SourceError(mark, f"{message} {_GUIDE}")
