"""The ``when`` of the journal: conditions on a request, and on what became of it."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.matching.conditions import Difference, Pattern, PatternError

if TYPE_CHECKING:
    from mockserver.journal.entries import EntryFacts
    from mockserver.journal.record import Record

Condition = Callable[["Record"], Difference]


class JournalPattern:
    """A compiled ``when`` of the journal (``schemas/mock/journal_when.json``): of requests and what became of them.

    ``endpoints`` are the names there are. Raises ``PatternError`` for a condition that makes no sense.
    """

    def __init__(self, when: Mapping[str, Any], endpoints: Collection[str] = ()) -> None:
        if "language" in when:
            raise PatternError("language: the journal does not know it. Ask for what was `heard`.")
        request = {name: wanted for name, wanted in when.items() if name not in _OUTCOMES}
        self._pattern = Pattern(request, endpoints)
        self._outcomes = [(name, make(when[name])) for name, make in _OUTCOMES.items() if name in when]

    def matches(self, facts: EntryFacts) -> bool:
        """Whether all conditions hold."""
        return self._pattern.matches(facts) and all(
            condition(facts.record) is None for _, condition in self._outcomes
        )

    def differences(self, facts: EntryFacts) -> list[str]:
        """What differs, a text per condition that does not hold."""
        outcomes = [
            f"{name}: {difference}"
            for name, condition in self._outcomes
            if (difference := condition(facts.record)) is not None
        ]
        return self._pattern.differences(facts) + outcomes


def _status(wanted: int | str | list[int | str]) -> Condition:
    patterns = [str(each).lower().replace("x", "?") for each in _listed(wanted)]

    def condition(record: Record) -> Difference:
        found = record.status
        if any(fnmatch.fnmatchcase(str(found), each) for each in patterns):
            return None
        return _differs(wanted, found)

    return condition


def _glob(name: str) -> Callable[[Any], Condition]:
    def make(wanted: str | list[str]) -> Condition:
        return lambda record: _any_name(wanted, [getattr(record, name)])

    return make


def _fault(wanted: str | list[str]) -> Condition:
    def condition(record: Record) -> Difference:
        return _any_name(wanted, record.fault.names if record.fault else [])

    return condition


def _any_name(wanted: str | list[str], found: Sequence[str | None]) -> Difference:
    names = [name for name in found if name]
    if any(fnmatch.fnmatchcase(name, each) for name in names for each in _listed(wanted)):
        return None
    return _differs(wanted, names[0] if names else None)


def _flag(name: str) -> Callable[[bool], Condition]:
    def make(wanted: bool) -> Condition:
        def condition(record: Record) -> Difference:
            found = getattr(record, name)
            return None if found == wanted else _differs(wanted, found)

        return condition

    return make


def _differs(wanted: Any, found: Any) -> str:
    return f"wanted {wanted!r}, got {'nothing' if found is None else repr(found)}"


def _listed(wanted: Any) -> list[Any]:
    return wanted if isinstance(wanted, list) else [wanted]


# What became of a request, by the name of the condition.
_OUTCOMES: Mapping[str, Callable[[Any], Condition]] = {
    "status": _status,
    "error": _glob("error"),
    "answered_by": _glob("answered_by"),
    "stub": _glob("stub"),
    "fault": _fault,
    "hung_up": _flag("hung_up"),
    "in_flight": _flag("in_flight"),
}
