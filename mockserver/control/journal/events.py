"""``GET /_mock/journal/events``: server-sent events of what happens in the journal, until the client leaves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import flask

from mockserver import json_styles
from mockserver.control.journal import queries as journal_queries
from mockserver.control.operation import ControlError, answer
from mockserver.journal.listener import BadCursor
from mockserver.matching.allowance import sharing
from mockserver.replicas import Watch
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.control.contexts import JournalContext
    from mockserver.control.operation import Call
    from mockserver.journal.listener import Listener, News

_CONTENT_TYPE = "text/event-stream; charset=utf-8"
_LOOK = 0.4  # seconds between two looks at the client, and at the progress of what is in flight
_GATHERED = 0.1  # seconds for which changes are gathered, so that many of them take little time
_TOO_MUCH_WORK = "when: it exceeds the settings path_steps or script_seconds. Simplify the conditions."
_PARTS = {"levels": "limits", "policy": "limits"}  # the parts that copies with other names belong to
_QUIET = 15.0  # seconds without a byte, after which a comment shows that the connection is alive


def stream(context: JournalContext, call: Call) -> flask.Response:
    """Return the stream of events."""
    asked = journal_queries.of_arguments(context.schemas, call.query)
    watched = context.server_state.definitions.copies if journal_queries.asks_for_changes(call.query) else {}
    try:
        listener = context.journal.listen(
            call.account_id,
            asked.pattern(context.journal.endpoints),
            lambda record: json_styles.streamed(asked.shown(record)),
            cursor=call.request.headers.get("last-event-id") or asked.after or "",
            events=asked.has_events,
        )
    except BadCursor as error:
        raise ControlError(f"after: {str(error)!r} is no id of an event. Send the last one.") from error
    response = flask.Response(_events(context, call, listener, Watch(watched)), content_type=_CONTENT_TYPE)
    if call.last is not None:
        ended = call.last()
        if ended is None:
            return answer({"error": "Too many streams of events are open. Close one of them."}, 503)
        response.call_on_close(ended)
    return response


def _events(context: JournalContext, call: Call, listener: Listener, watch: Watch) -> Iterator[bytes]:
    """Yield the events, until the client leaves or the server closes. A store that is away is waited for."""
    closing, connection = context.closing, call.request.connection
    yield from _changes(watch)
    yield _cursor(listener)
    sent_at = time.monotonic()
    while not (closing.is_set() or connection.has_hung_up):
        news: list[News] = []
        try:
            listener.wait(_LOOK)
            with sharing(context.journal.limits) as scripts:
                news = listener.news()
            if scripts.left_conditions_open:
                yield _event("failed", json_styles.streamed({"error": _TOO_MUCH_WORK}))
                return
        except StateFailed:
            closing.wait(_LOOK)
        for each in news:
            yield _event(each.kind, each.data)
        yield from _changes(watch)
        if news or time.monotonic() - sent_at >= _QUIET:
            yield _cursor(listener)
            sent_at = time.monotonic()
        closing.wait(_GATHERED)


def _changes(watch: Watch) -> Iterator[bytes]:
    """Yield the event of the definitions that have changed, if there are any."""
    changed = sorted({_PARTS.get(name, name) for name in watch.changed()})
    if changed:
        yield _event("changed", json_styles.streamed({"parts": changed}))


def _event(kind: str, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), data)


def _cursor(listener: Listener) -> bytes:
    """Return the id with which a client goes on after what it has received, as an event without data."""
    return f": listening\nid: {listener.cursor}\n\n".encode()
