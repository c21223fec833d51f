"""``/_mock/journal``, ``/_mock/verify`` and ``/_mock/wait``: shows and verifies the requests in the journal.

A call with an API key applies to that account, one without a key to every account.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from mockserver.control.operation import ControlError, NotFound, answer
from mockserver.journal import report as reports
from mockserver.journal import verification
from mockserver.journal.entries import JournalPattern
from mockserver.journal.record import Record, shown
from mockserver.matching.comparisons import PatternError

if TYPE_CHECKING:
    import flask

    from mockserver.control.contexts import JournalContext
    from mockserver.control.operation import Call
    from mockserver.journal.journal import Journal
    from mockserver.journal.verification import Verdict

QUERY = ("endpoint", "model", "status", "limit", "after")  # arguments of ``show_all``

_LIMIT = 1_000  # entries
_TIMEOUT = 10.0  # seconds
_MAX_ENTRIES = 10**9  # entries
_STATUS = re.compile("[1-5](xx|[0-9]{2})")
_NUMBER = re.compile(r"[0-9]{1,9}")

_Result = TypeVar("_Result")


def show_all(context: JournalContext, call: Call) -> dict[str, Any]:
    """Return the entries that satisfy the arguments of the query."""
    arguments = call.query.to_dict()
    limit, after = arguments.pop("limit", str(_LIMIT)), arguments.pop("after", None)
    if not _NUMBER.fullmatch(limit) or not 1 <= int(limit) <= _MAX_ENTRIES:
        raise ControlError(f"limit: must be a whole number from 1 to {_MAX_ENTRIES}, got {limit!r}.")
    if not _STATUS.fullmatch(arguments.get("status", "200")):
        raise ControlError(f"status: must be a status such as 429 or 4xx, got {arguments['status']!r}.")
    return _found(context.journal, call.account_id, arguments, int(limit), after)


def query(context: JournalContext, call: Call) -> dict[str, Any]:
    """Return the entries that satisfy a pattern."""
    asked = call.body
    if isinstance(asked.get("limit"), float):
        raise ControlError(f"limit: must be a whole number without a decimal point, got {asked['limit']!r}.")
    limit = int(asked.get("limit", _LIMIT))
    return _found(context.journal, call.account_id, asked.get("when", {}), limit, asked.get("after"))


def report(context: JournalContext, call: Call) -> dict[str, Any]:
    """Return the latest exchanges as text, with likely mistakes of the code under test."""
    catalog, account_id = context.catalog, call.account_id
    records = context.journal.records(account_id)
    text = reports.exchanges(records, lambda model: catalog.model(model, account_id) is not None)
    return {"report": text}


def show(context: JournalContext, call: Call) -> Mapping[str, Any]:
    """Return one entry."""
    return shown(record_of(context.journal, call))


def count(context: JournalContext, call: Call) -> dict[str, Any]:
    """Return how many entries satisfy a pattern."""
    journal = context.journal
    pattern = _checked(lambda: JournalPattern(call.body.get("when", {}), journal.endpoints))
    return {"count": _checked(lambda: journal.count(call.account_id, pattern))}


def remove_all(context: JournalContext, call: Call) -> dict[str, Any]:
    """Empty the journal."""
    return {"deleted": context.journal.delete(call.account_id)}


def verify(context: JournalContext, call: Call) -> flask.Response:
    """Return whether the number of requests that match a pattern is within bounds."""
    bounds = dict(call.body)
    when = bounds.pop("when", {})
    return _reported(_checked(lambda: verification.verify(context.journal, call.account_id, when, **bounds)))


def wait(context: JournalContext, call: Call) -> flask.Response:
    """Wait until enough requests match a pattern, or the time is up. Return whether they do."""
    connection, closing = call.request.connection, context.closing
    waiting = partial(
        verification.wait,
        context.journal,
        call.account_id,
        call.body.get("when", {}),
        at_least=call.body.get("at_least", 1),
        timeout=call.body.get("timeout", _TIMEOUT),
        given_up=lambda: closing.is_set() or connection.has_hung_up,
    )
    return _reported(_checked(waiting))


def record_of(journal: Journal, call: Call) -> Record:
    """Return the entry that a call names. Raises ``NotFound``."""
    record = journal.record(call.account_id, call.path["id"])
    if record is None:
        raise NotFound(f"Unknown journal entry {call.path['id']!r}. Use the x-request-id of the response.")
    return record


def _found(
    journal: Journal, account_id: str | None, when: Mapping[str, Any], limit: int, after: str | None
) -> dict[str, Any]:
    """Return the latest ``limit`` entries, or the first ones that follow the entry ``after``."""
    pattern = _checked(lambda: JournalPattern(when, journal.endpoints))
    if after is None:
        records = _checked(lambda: journal.records(account_id, pattern))[-limit:]
    else:
        later = _checked(lambda: journal.records_after(account_id, after, pattern))
        if later is None:
            raise ControlError(f"after: unknown journal entry {after!r}. It may have been evicted.")
        records = later[:limit]
    return {"entries": [shown(each) for each in records], "dropped": journal.dropped}


def _checked(function: Callable[[], _Result]) -> _Result:
    """Return the result of ``function``. Raises ``ControlError`` for an invalid pattern."""
    try:
        return function()
    except PatternError as error:
        raise ControlError(str(error)) from error


def _reported(verdict: Verdict) -> flask.Response:
    if verdict.ok:
        return answer({"count": verdict.count, "entries": verdict.entries})
    return answer(
        {
            "error": verdict.headline,
            "count": verdict.count,
            "entries": verdict.entries,
            "near_misses": [miss._asdict() for miss in verdict.near_misses],
        },
        422,
    )
