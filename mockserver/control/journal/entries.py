"""``/_mock/journal``, ``/_mock/verify`` and ``/_mock/wait``: shows and verifies the requests in the journal.

A call with an API key applies to that account, one without a key to every account.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.control.journal import queries as journal_queries
from mockserver.control.journal.queries import checked
from mockserver.control.operation import ControlError, NotFound, answer
from mockserver.journal import report as reports
from mockserver.journal import verification
from mockserver.journal.entries import JournalPattern
from mockserver.journal.record import Record, shown
from mockserver.journal.search import Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    import flask

    from mockserver.control.contexts import JournalContext
    from mockserver.control.journal.queries import JournalQuery
    from mockserver.control.operation import Call
    from mockserver.journal.journal import Journal
    from mockserver.journal.verification import Verdict

_TIMEOUT = 10.0  # seconds


def show_all(context: JournalContext, call: Call) -> dict[str, Any]:
    """Return the entries that satisfy the arguments of the query."""
    return _found(context.journal, call.account_id, journal_queries.of_arguments(context.schemas, call.query))


def query(context: JournalContext, call: Call) -> dict[str, Any]:
    """Return the entries that satisfy a pattern."""
    return _found(context.journal, call.account_id, journal_queries.of_body(call.body))


def report(context: JournalContext, call: Call) -> dict[str, Any]:
    """Return the latest exchanges as text, with likely mistakes of the code under test."""
    catalog, account_id = context.catalog, call.account_id
    records = context.journal.records(account_id)
    text = reports.exchanges(records, lambda model: catalog.model(model, account_id) is not None)
    return {"report": text}


def show(context: JournalContext, call: Call) -> Mapping[str, Any]:
    """Return one entry, whose audio files say whether they are ``kept``."""
    entry = shown(record_of(context.journal, call))
    for file in (*entry["audio"], *entry["said_audio"]):
        file["kept"] = context.journal.has_audio(file["sha256"])
    return entry


def count(context: JournalContext, call: Call) -> dict[str, Any]:
    """Return how many entries satisfy a pattern."""
    journal = context.journal
    pattern = checked(lambda: JournalPattern(call.body.get("when", {}), journal.endpoints))
    return {"count": checked(lambda: journal.count(call.account_id, pattern))}


def remove_all(context: JournalContext, call: Call) -> dict[str, Any]:
    """Empty the journal."""
    return {"deleted": context.journal.delete(call.account_id)}


def verify(context: JournalContext, call: Call) -> flask.Response:
    """Return whether the number of requests that match a pattern is within bounds."""
    bounds = dict(call.body)
    when = bounds.pop("when", {})
    return _reported(checked(lambda: verification.verify(context.journal, call.account_id, when, **bounds)))


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
    return _reported(checked(waiting))


def record_of(journal: Journal, call: Call) -> Record:
    """Return the entry that a call names. Raises ``NotFound``."""
    record = journal.record(call.account_id, call.path["id"])
    if record is None:
        raise NotFound(f"Unknown journal entry {call.path['id']!r}. Use the x-request-id of the response.")
    return record


def _found(journal: Journal, account_id: str | None, asked: JournalQuery) -> dict[str, Any]:
    """Return the latest entries of those that are asked for, or the first ones that follow the entry ``after``."""
    cursor = journal.cursor
    pattern = asked.pattern(journal.endpoints)
    after, before = (
        None if each is None else _place(journal, account_id, name, each)
        for name, each in (("after", asked.after), ("before", asked.before))
    )
    within = Range(after, before, asked.limit)
    events = asked.has_events
    records = checked(lambda: journal.records(account_id, pattern, within=within, events=events))
    return {
        "entries": [asked.shown(each) for each in records],
        "dropped": journal.dropped,
        "cursor": cursor,
    }


def _place(journal: Journal, account_id: str | None, name: str, entry_id: str) -> int:
    place = journal.place(account_id, entry_id)
    if place is None:
        raise ControlError(f"{name}: unknown journal entry {entry_id!r}. It may have been evicted.")
    return place


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
