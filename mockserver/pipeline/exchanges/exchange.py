"""An exchange in progress: the journal's record of a request and its answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from msgspec.structs import replace

from mockserver.journal import redacted
from mockserver.journal.entries import Progress
from mockserver.journal.pieces import Pieces
from mockserver.journal.record import HitFault, Record, Timing
from mockserver.pipeline.exchanges.answer_members import answer_of, is_own, is_text
from mockserver.pipeline.exchanges.record_members import (
    audio_of,
    caller_of,
    content_of,
    endpoint_of,
    reply_of,
    usage_of,
)
from mockserver.pipeline.exchanges.spans import begin_span
from mockserver.pipeline.exchanges.watched_body import WatchedBody
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from mockserver.engines.answered_by import AnsweredBy
    from mockserver.journal.journal import FileToKeep, Journal
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.responses import Reply
    from mockserver.telemetry.tracing import ExchangeSpan, Tracing

log = logging.getLogger(__name__)

_REFUSED = 400


class _Head(NamedTuple):
    """The recorded parts of a response head: status, headers, and who answered."""

    status: int | None = None
    headers: Mapping[str, str] = MappingProxyType({})
    answered_by: str | None = None


def begin(
    journal: Journal,
    request_id: str,
    request: Request,
    operation: Operation | None = None,
    *,
    began: float | None = None,
    tracing: Tracing | None = None,
) -> Exchange:
    """Return the exchange of a new request. ``operation`` is ``None`` for a URL without an endpoint.

    ``began`` is the time of its arrival by ``time.perf_counter``, by default now. ``tracing`` makes its span, if any.
    """
    began = time.perf_counter() if began is None else began
    span = None if tracing is None else begin_span(tracing, request_id, request, operation, began)
    kept, now = (journal, journal.clock.now()) if journal.is_kept else (None, 0.0)
    return Exchange(kept, request_id, request, operation, now, began, span)


class Exchange:
    """One request and its answer. The pipeline sets the attributes; ``answered`` writes the entry.

    ``call`` is set once the caller is known; ``note_call`` copies from it the ``model``, the ``fault`` that hit the
    request and the id of the ``stub`` that answered it. ``error`` is the catalog's name of the error that refused
    it, ``answered_by`` who answered (if it is ``None``, the response header is recorded). ``began`` is the time of
    arrival by ``time.perf_counter``.
    """

    def __init__(
        self,
        journal: Journal | None,
        request_id: str,
        request: Request,
        operation: Operation | None,
        now: float,
        began: float,
        span: ExchangeSpan | None = None,
    ) -> None:
        """Take the time of arrival, ``now``, by the clock. Without a ``journal`` and a ``span`` nothing is recorded."""
        self._journal = journal
        self._span = span
        self.request_id = request_id
        self.request = request
        self._operation = operation
        self._time = now
        self.began = began
        self._progress = Progress()
        self._is_open = False  # a stream or session has begun, and not ended
        self._place: int | None = None  # of the entry in the journal, while it is in flight
        self._begun: Record | None = None  # the record of the stream or session when it began
        self._head = _Head()
        self._body: bytes | None = None  # of an answer that is no stream
        self.call: Call | None = None
        self.model = ""
        self.fault: HitFault | None = None
        self.stub: str | None = None
        self.error = ""
        self.answered_by: AnsweredBy | None = None

    def note_call(self) -> None:
        """Copy from the call what the record needs after the call is released."""
        call = self.call
        if call is None:
            return
        self.model = call.model.id if call.model else ""
        self.stub = call.scripted.stub_id if call.scripted else None
        self.fault = HitFault(**call.fault.as_json) if call.fault else None

    def answered(self, reply: Reply) -> Reply:
        """Write the entry of a whole answer, or begin that of a stream. Return the reply to send.

        Raises ``StateFailed`` if it cannot be written.
        """
        if self._journal is None and self._span is None:
            self._make_charges()
            return reply
        self._head = _head(reply)
        if self.call is not None and self._journal is not None and self._journal.keeps_audio:
            self._journal.keep_audio([*self.call.clips.values(), *self.call.outcome.said])
        recording = self.call.recording if self.call is not None else None
        if recording is not None and reply.status < _REFUSED:
            recording.end = self._session_ended
            if self._journal is not None and self._journal.keeps_audio:
                recording.keep_audio = self._keep_audio
            if self._span is not None:
                recording.trace_turn = self._span.turn
            recording.first_byte_ms = self._elapsed()
            self._progress = recording
            self._begin()
            recording.write = self._write_progress
            return reply
        if isinstance(reply.body, bytes):
            self._progress.sent = len(reply.body)
            self._progress.first_byte_ms = self._elapsed()
            self._body = reply.body
            record = self._record(in_flight=False, hung_up=self.request.connection.has_hung_up)
            self._write(record)
            self._close(record)
            return reply
        events = 0 if reply.media_type == "text/event-stream" else None
        pieces = Pieces(self.began, self.request.secrets, is_text=is_text(reply.media_type))
        self._progress = Progress(pieces=0, events=events, kept=pieces)
        self._begin()
        reply.body = WatchedBody(reply.body, self, self._progress, pieces)
        return reply

    def unrecorded(self, reply: Reply) -> Reply:
        """Note that ``reply`` is sent in place of an answer that cannot be written. Return it."""
        self._head = _head(reply)
        self._close(self._record(in_flight=False, hung_up=False))
        return reply

    def _begin(self) -> None:
        """Begin the entry of a stream or session. Raises ``StateFailed``."""
        if self._journal is None:
            self._make_charges()
        else:
            record = self._record(in_flight=True, hung_up=False)
            with self._journal.together():
                self._make_charges()
                self._place = self._journal.begin(record, self._progress)
            self._begun = record
        self._is_open = True

    def _write(self, record: Record) -> None:
        """Write the entry of an exchange that is over, and its charges. Raises ``StateFailed``."""
        if self._journal is None:
            self._make_charges()
            return
        with self._journal.together():
            self._make_charges()
            self._journal.add(record)

    def _make_charges(self) -> None:
        if self.call is not None:
            self.call.charges.make()

    def _close(self, record: Record) -> None:
        """End the span, and release the call: the exchange is over."""
        if self._span is not None:
            self._span.end(record)
        self.call = None

    def _write_progress(self) -> None:
        """Write what has happened in a session, for other processes."""
        if self._journal is not None and self._place is not None:
            self._journal.write_progress(self._place)

    def _keep_audio(self, files: Iterable[FileToKeep]) -> None:
        """Keep the audio of a stream or session."""
        try:
            if self._journal is not None:
                self._journal.keep_audio(files)
        except StateFailed as error:
            log.warning("The audio of an exchange is not kept: %s", error)

    def _session_ended(self, hung_up: bool) -> None:
        """Finish the entry of a session."""
        self.ended(hung_up=hung_up)

    def unanswered(self) -> None:
        """Write the entry of a request without an answer: the client left, or a fault ended the connection."""
        record = self._record(in_flight=False, hung_up=self._has_hung_up())
        try:
            self._write(record)
        except StateFailed as error:  # there is nobody to answer
            log.warning(
                "%s %s is not in the journal: %s", self.request.method, self.request.logged_path, error
            )
        self._close(record)

    def first_piece(self) -> None:
        """Note the time of the stream's first piece."""
        self._progress.first_byte_ms = self._elapsed()

    def broke_off(self) -> None:
        """Finish the entry of a stream that failed: the client left, a fault ended it, or its source failed."""
        self.ended(hung_up=self._has_hung_up())

    def ended(self, *, hung_up: bool) -> None:
        """Finish the entry of a stream. Only the first call counts."""
        if not self._is_open:
            return
        self._is_open = False
        if self.call is not None and self.call.outcome.said:
            self._keep_audio(self.call.outcome.said)
        record = self._record(in_flight=False, hung_up=hung_up)
        place, self._place = self._place, None
        if place is not None and self._journal is not None:
            self._journal.finish(place, record)
        self._close(record)

    def _has_hung_up(self) -> bool:
        """Return whether the client has left. If a fault has reset the connection, it has not."""
        was_reset = self.fault is not None and self.fault.kind == "connection_reset"
        return not was_reset and self.request.connection.has_hung_up

    def _elapsed(self) -> float:
        return round((time.perf_counter() - self.began) * 1000, 3)

    def _record(self, *, in_flight: bool, hung_up: bool) -> Record:
        """Return the record of the exchange so far; unknown values are ``None``."""
        call, progress, secrets = self.call, self._progress, self.request.secrets
        members: dict[str, Any] = {
            **audio_of(call, secrets),
            "error": self.error or None,
            "answered_by": str(self.answered_by) if self.answered_by else self._head.answered_by,
            "stub": self.stub,
            "fault": self.fault,
            "reply": reply_of(call, secrets),
            **usage_of(call),
            "timing": Timing(first_byte_ms=None, total_ms=None if in_flight else self._elapsed()),
            "in_flight": in_flight,
            "hung_up": hung_up,
        }
        begun = self._begun
        record = replace(begun, **members) if begun else Record(**self._lasting_members(), **members)
        if progress.kept is not None and call is not None:
            own = is_own(call, record.status, record.request)
            progress.kept.are_plain = own and record.reply is not None and record.reply == call.outcome.reply
        progress.apply_to(record)
        return record

    def _lasting_members(self) -> dict[str, Any]:
        """Return the members of the record that do not change after the head of the answer is known."""
        request, head, secrets = self.request, self._head, self.request.secrets
        content = content_of(self.call, secrets)
        own = is_own(self.call, head.status, content["request"])
        return {
            "id": self.request_id,
            "time": self._time,
            "connection": request.session.id if request.session else None,
            **caller_of(self.call),
            **endpoint_of(self._operation, secrets),
            "method": request.method,
            "path": secrets.hide_in_path(request.path),
            "query": redacted.query(request.query_string, secrets),
            "headers": redacted.headers(request.headers, secrets),
            **content,
            "status": head.status,
            **answer_of(self._body, head.headers, secrets, own=own),
            "stream_events": None,
            "stream_pieces": None,
            "bytes_sent": 0,
        }


def _head(reply: Reply) -> _Head:
    headers = reply.headers.joined()
    answered_by = headers.get("x-mock-answered-by")
    return _Head(reply.status, headers, unquote(answered_by) if answered_by else None)
