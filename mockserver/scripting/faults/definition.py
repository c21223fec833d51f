"""Builds faults from their JSON documents."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.matching.patterns import Pattern
from mockserver.scripting.faults.fault import ERROR, Fault
from mockserver.scripting.faults.kinds import KINDS, PARAMETERS
from mockserver.scripting.faults.session_kinds import CLOSABLE, REFUSED_UPGRADE
from mockserver.wording import suggestion

if TYPE_CHECKING:
    from mockserver.errors import ErrorTable

_UNAVAILABLE = 503  # the status with which WebSockets are refused, unless the fault sets one
_TRIGGERS = ("enabled", "times", "every", "probability", "until")


class FaultError(ValueError):
    """An invalid fault. The message says where and what is wrong."""


def define(
    document: Mapping[str, Any],
    id_: str,
    *,
    seed: str,
    errors: ErrorTable,
    endpoints: Collection[str],
) -> Fault:
    """Return the fault of a document that satisfies its schema; ``seed`` is the server's.

    Raises ``FaultError`` and ``PatternError`` if it is invalid.
    """
    if (ERROR in document) == ("fault" in document):
        raise FaultError("Give either 'error' or 'fault'.")
    kind = document.get("fault", ERROR)
    names = sorted(KINDS.keys() - {ERROR})
    if "fault" in document and kind not in names:
        raise FaultError(f"fault: unknown fault kind {kind!r}. {suggestion(kind, names)}")
    for name in PARAMETERS & document.keys():
        if name not in KINDS[kind].takes:
            takers = ", ".join(each.name for each in KINDS.values() if name in each.takes)
            raise FaultError(f"{name}: {kind} does not take it. These do: {takers}.")
    if document.get("from", float("-inf")) >= document.get("until", float("inf")):
        raise FaultError("until: must be after 'from'.")
    given = {name: _whole(document[name]) for name in (*KINDS[kind].takes, *_TRIGGERS) if name in document}
    if "from" in document:
        given["since"] = document["from"]
    if kind == ERROR:
        given["error"] = errors.name_of(document[ERROR])
    elif kind == REFUSED_UPGRADE:
        given["error"] = errors.name_of(given.get("status", _UNAVAILABLE))
    if given.get("close", CLOSABLE[0]) not in CLOSABLE:
        raise FaultError(
            f"close: {given['close']} is not a code that a close frame can have. Use 1011, or 4000 to 4999."
        )
    if {"after", "audio_seconds"} <= document.keys():
        raise FaultError("audio_seconds: cannot be combined with 'after'.")
    pattern = Pattern(document.get("when", {}), endpoints)
    return Fault(id_, document, pattern, kind, str(document.get("seed", seed)), **given)


def _whole(value: Any) -> Any:
    """Return a float without a fraction, such as ``2.0``, as an integer; any other value unchanged."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
