"""Makes a fault of a document: which kind it is, what it is told, and which requests it means."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.matching.patterns import Pattern
from mockserver.scripting.faults.fault import ERROR, Fault
from mockserver.scripting.faults.kinds import KINDS, PARAMETERS

if TYPE_CHECKING:
    from mockserver.errors import ErrorTable

_TRIGGERS = ("times", "every", "probability", "until")


class FaultError(ValueError):
    """A fault that makes no sense. The message names the place in it and what is wrong."""


def define(
    document: Mapping[str, Any],
    id_: str,
    *,
    seed: str,
    errors: ErrorTable,
    endpoints: Collection[str],
) -> Fault:
    """Return the fault of a document that satisfies its schema; ``seed`` is the server's.

    Raises ``FaultError`` and ``PatternError`` naming what makes no sense.
    """
    if (ERROR in document) == ("fault" in document):
        raise FaultError("Give one of 'error' and 'fault': what goes wrong.")
    kind = document.get("fault", ERROR)
    if kind not in KINDS or document.get("fault") == ERROR:
        raise FaultError(
            f"fault: there is no {kind!r}. There are {', '.join(sorted(KINDS.keys() - {ERROR}))}."
        )
    for name in PARAMETERS & document.keys():
        if name not in KINDS[kind].takes:
            takers = ", ".join(each.name for each in KINDS.values() if name in each.takes)
            raise FaultError(f"{name}: does not go with {kind}. It goes with {takers}.")
    if document.get("from", float("-inf")) >= document.get("until", float("inf")):
        raise FaultError("until: is not after 'from'.")
    told = {name: _whole(document[name]) for name in (*KINDS[kind].takes, *_TRIGGERS) if name in document}
    if "from" in document:
        told["since"] = document["from"]
    if kind == ERROR:
        told["error"] = errors.name_of(document[ERROR])
    pattern = Pattern(document.get("when", {}), endpoints)
    return Fault(id_, document, pattern, kind, str(document.get("seed", seed)), **told)


def _whole(value: Any) -> Any:
    """Return a number that JSON writes as ``2.0`` but means as 2 as an integer."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
