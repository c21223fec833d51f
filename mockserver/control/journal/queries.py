"""What callers ask the journal for: a pattern, a part of the entries, and their members."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from mockserver import strict_json
from mockserver.control.bodies import check
from mockserver.control.operation import ControlError
from mockserver.journal.entries import JournalPattern
from mockserver.journal.record import OF_SESSION, SHOWN, shown, shown_session
from mockserver.matching.comparisons import PatternError
from mockserver.wording import suggestion

if TYPE_CHECKING:
    from mockserver.journal.record import Record
    from mockserver.validation.schemas import Schemas

_CONDITIONS = ("endpoint", "model", "status")  # conditions that are arguments of their own
_BOTH = ("fields", "when", *_CONDITIONS, "after")
EVENTS = (*_BOTH, "changes")  # arguments of a query for events
ENTRIES = (*_BOTH, "before", "limit")  # arguments of a query for entries

_LIMIT = 1_000  # entries
_MAX_ENTRIES = 10**9  # entries
_MAX_VALUES = 10_000  # values and names in the argument ``when``
_STATUS = re.compile("[1-5](xx|[0-9]{2})")
_NUMBER = re.compile(r"[0-9]{1,9}")

_SESSION = "realtime"
_PARTS = {f"{_SESSION}.{name}": name for name in OF_SESSION}  # fields within a session

_Result = TypeVar("_Result")


class JournalQuery(NamedTuple):
    """A query of the journal. ``after`` and ``before`` are ids of entries, or ``after`` a cursor of events.

    ``fields`` are the members of entries that are returned, ``None`` for all, ``parts`` those of their sessions.
    """

    when: Mapping[str, Any]
    fields: tuple[str, ...] | None
    after: str | None
    before: str | None
    limit: int
    parts: tuple[str, ...] = ()

    def pattern(self, endpoints: Collection[str]) -> JournalPattern | None:
        """Return the pattern, ``None`` if there are no conditions. Raises ``ControlError``."""
        return checked(lambda: JournalPattern(self.when, endpoints)) if self.when else None

    @property
    def has_events(self) -> bool:
        """Return whether the events of sessions are returned."""
        return self.fields is None or _SESSION in self.fields or "events" in self.parts

    def shown(self, record: Record) -> dict[str, Any]:
        """Return a record as it is returned."""
        entry = shown(record, self.fields)
        if self.parts and _SESSION not in entry:
            entry[_SESSION] = shown_session(record, self.parts)
        return entry


def of_arguments(schemas: Schemas, arguments: Mapping[str, str]) -> JournalQuery:
    """Return the query in the arguments of a URL. Raises ``ControlError``."""
    body: dict[str, Any] = {name: arguments[name] for name in ("after", "before") if name in arguments}
    if "limit" in arguments:
        limit = arguments["limit"]
        if not _NUMBER.fullmatch(limit) or not 1 <= int(limit) <= _MAX_ENTRIES:
            raise ControlError(f"limit: must be a whole number from 1 to {_MAX_ENTRIES}, got {limit!r}.")
        body["limit"] = int(limit)
    if "fields" in arguments:
        body["fields"] = arguments["fields"].split(",")
    body["when"] = _conditions(arguments)
    check(schemas, "journal_query", body)
    return of_body(body)


def asks_for_changes(arguments: Mapping[str, str]) -> bool:
    """Return whether a query for events asks for those of the server's definitions. Raises ``ControlError``."""
    changes = arguments.get("changes", "false")
    if changes not in ("true", "false"):
        raise ControlError(f"changes: must be true or false, got {changes!r}.")
    return changes == "true"


def of_body(body: Mapping[str, Any]) -> JournalQuery:
    """Return the query in a body, which satisfies its schema. Raises ``ControlError``."""
    limit = body.get("limit", _LIMIT)
    if isinstance(limit, float):
        raise ControlError(f"limit: must be a whole number without a decimal point, got {limit!r}.")
    fields = body.get("fields")
    for name in fields or ():
        if name not in SHOWN and name not in _PARTS:
            raise ControlError(
                f"fields: {name!r} is no member of an entry. {suggestion(name, (*SHOWN, *_PARTS))}"
            )
    return JournalQuery(
        body.get("when", {}),
        None if fields is None else tuple(name for name in fields if name in SHOWN),
        body.get("after"),
        body.get("before"),
        limit,
        tuple(_PARTS[name] for name in fields or () if name in _PARTS),
    )


def checked(function: Callable[[], _Result]) -> _Result:
    """Return the result of ``function``. Raises ``ControlError`` for an invalid pattern."""
    try:
        return function()
    except PatternError as error:
        raise ControlError(str(error)) from error


def _conditions(arguments: Mapping[str, str]) -> dict[str, Any]:
    """Return the pattern in the argument ``when`` together with the conditions that are arguments of their own."""
    when = _when(arguments["when"]) if "when" in arguments else {}
    for name in _CONDITIONS:
        if name not in arguments:
            continue
        if name in when:
            raise ControlError(f"{name}: is also in when. Send it once.")
        when[name] = arguments[name]
    if not _STATUS.fullmatch(arguments.get("status", "200")):
        raise ControlError(f"status: must be a status such as 429 or 4xx, got {arguments['status']!r}.")
    return when


def _when(text: str) -> dict[str, Any]:
    try:
        when = strict_json.parse(text.encode("utf-8", "replace"), _MAX_VALUES)
    except ValueError as error:
        raise ControlError(f"when: is not JSON ({error}). Send a pattern as a JSON object.") from error
    if not isinstance(when, dict):
        raise ControlError('when: must be a JSON object, such as {"status": "4xx"}.')
    return when
