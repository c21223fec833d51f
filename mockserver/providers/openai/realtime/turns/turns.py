"""The turns of a session as the rest of the server sees them: stubs, faults, limits and costs of each.

A *turn* is a response, or the transcription of what the user said. It is a ``Call`` of its own, with the account and
the settings of the handshake.
"""

from __future__ import annotations

import math
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver import json_styles
from mockserver.errors import ApiError
from mockserver.limits.limiter import Admission
from mockserver.matching.allowance import ScriptLimits, sharing
from mockserver.matching.comparisons import listed
from mockserver.pipeline.call import Outcome
from mockserver.pipeline.models import unavailable
from mockserver.pipeline.responses import storage_error
from mockserver.pipeline.scripted.answers import ScriptedAnswers
from mockserver.pipeline.scripted.errors import ScriptedErrors
from mockserver.providers.openai import routes
from mockserver.providers.openai.realtime.turns import faults, limits
from mockserver.providers.openai.realtime.turns.facts import Said, TurnFacts
from mockserver.providers.openai.realtime.turns.turn import SERVER_ERROR, Failure, Turn
from mockserver.scripting.faults.header import HEADER
from mockserver.scripting.stubs.pacing import Pacing
from mockserver.scripting.stubs.replies import content_kinds
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mockserver.catalog.records import ModelCard
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.operation import Operation
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.outlet import Outlet
    from mockserver.providers.openai.realtime.sounds import Sound
    from mockserver.providers.openai.realtime.timeline import Timeline
    from mockserver.providers.openai.realtime.turns.session_log import SessionLog
    from mockserver.providers.openai.realtime.turns.turn import Kind
    from mockserver.scripting.faults.fault import Fault
    from mockserver.scripting.stubs.replies import Scripted

__all__ = ["Failure", "Said", "Turn", "Turns"]

_GAP = 0.001  # real seconds between two events of a stub
_OURS = 429  # the lowest status of errors that are not the fault of the event


class Turns:
    """The turns of a session. ``call`` is the handshake, ``log`` the journal's record of the session.

    ``break_session`` applies a fault of the session that a turn is hit by.
    """

    def __init__(
        self,
        context: RealtimeContext,
        call: Call,
        log: SessionLog,
        *,
        is_conversation: bool,
        break_session: Callable[[Fault], None] = lambda fault: None,
    ) -> None:
        self._context = context
        self._call = call
        self._log = log
        self._is_conversation = is_conversation
        self._break_session = break_session
        self._numbers = {"response": 0, "transcription": 0}
        self._errors = ScriptedErrors(context.errors, context.limiter, context.catalog)
        self._answers = ScriptedAnswers(context.stubs, context.accounts, context.clock, self._errors)
        self._script_limits = ScriptLimits.of(context.settings)

    def begin(
        self,
        kind: Kind,
        model: ModelCard,
        document: Mapping[str, Any],
        said: Said,
        *,
        instructions: str = "",
        tokens: int = 0,
        audio_seconds: float = 0.0,
        item_id: str = "",
    ) -> Turn:
        """Return a new turn: hit by the fault that is due, charged to the limits, answered by the stub that matches.

        ``document`` are the effective parameters of the response (those of the session and of ``response.create``) or
        transcription, which ``fields`` match. ``instructions`` are those of the response, or the prompt of the
        transcription. ``tokens`` and ``audio_seconds`` are those of the input, for the limits. ``item_id`` is the item
        that is transcribed. Raises ``OSError`` if a fault ends the connection.
        """
        self._numbers[kind] += 1
        call = self._call_of(kind, model, document, said, instructions)
        turn = Turn(kind, self._numbers[kind], call, model, item_id, said.items, began=time.perf_counter())
        with sharing(self._script_limits):
            try:
                self._context.refresh()
                self._break(turn)
                self._charge(turn, tokens, audio_seconds)
                self._script(turn)
            except ApiError as error:
                self._fail(turn, error)
            except StateFailed as error:
                self._fail(turn, storage_error(error))
        self._log.turn_began(turn)
        if turn.is_refused:
            self._count(turn)
        return turn

    def may_be_scripted(self, kind: Kind) -> bool:
        """Return whether a stub may answer such turns: which one is known when what was said is known."""
        if not self._context.stubs:
            return False
        operation, names = self._operation(kind)
        return any(
            _names_any(stub.pattern.when, names) and content_kinds(stub.replies[0]) <= operation.reply_kinds
            for stub in self._context.stubs.visible(self._call.account.id)
        )

    def heard(self, item_id: str, text: str) -> None:
        """Note what the user said in an item, for the journal."""
        self._log.heard(item_id, text)

    def spoke(self, item_id: str, sound: Sound, end_ms: float) -> None:
        """Note the audio of an item of the user, for the journal."""
        self._log.spoke(item_id, sound, end_ms)

    def settle(self, turn: Turn, usage: Mapping[str, Any]) -> None:
        """Charge the usage of a turn that has ended, also of one that was cut off. Only the first call counts."""
        if turn.is_settled:
            return
        if not turn.is_refused:
            if turn.failure is None and usage:
                self._charge_usage(turn, usage)
            else:
                turn.tokens = 0  # as the limits report it
                self._context.limiter.settle(turn.call.admission, 0)
            self._count(turn)
        turn.is_settled = True
        self._log.turn_ended(turn)

    def send_events(self, turn: Turn, outlet: Outlet, timeline: Timeline, *, after_ms: float) -> None:
        """Send the events of a stub in place of a turn, at the stub's pace, and end the turn with the last one."""
        events = [_event(each) for each in turn.events or ()]
        due = timeline.now_ms + after_ms
        for event in events:
            timeline.at(due, partial(outlet.forward, event), gap=_GAP)
            due += turn.delta_ms
        timeline.at(due - turn.delta_ms, partial(self.settle, turn, {}))

    def rate_limits(self, turn: Turn) -> list[dict[str, Any]]:
        """Return the ``rate_limits`` of the event that follows a response that was settled."""
        return limits.after(self._context.limiter, self._gauged(turn), turn.tokens)

    def beta_rate_limits(self, turn: Turn) -> list[dict[str, Any]]:
        """Return the ``rate_limits`` of the event that follows ``response.created`` in the beta."""
        return limits.before(self._context.limiter, self._gauged(turn), turn.tokens)

    def _gauged(self, turn: Turn) -> limits.Gauged:
        context, call = self._context, turn.call
        return limits.Gauged(
            call.account, turn.model, call.settings.limits, is_enforced=context.settings.rate_limits
        )

    def _break(self, turn: Turn) -> None:
        """Apply the fault that is due. Raises ``ApiError``, ``OSError``."""
        call = turn.call
        header = call.request.headers.get(HEADER)
        turn.fault = call.fault = self._context.faults.due(call.facts, call.account.id, header)
        if turn.fault is not None:
            fault, make = turn.fault, self._errors.make
            refusal = partial(make, call, fault.error, message=fault.message, retry_after=fault.retry_after)
            faults.apply(fault, turn, refusal, self._break_session)

    def _charge(self, turn: Turn, tokens: int, audio_seconds: float) -> None:
        """Charge a turn to the limits of its account. Raises ``ApiError``."""
        call, document = turn.call, turn.call.document
        if (
            turn.kind == "transcription" and call.strict
        ):  # the model of a conversation is checked as it connects
            refusal = unavailable(turn.model, self._context.clock, call)
            if refusal is not None:
                raise refusal
        turn.tokens = limits.reserved(document, tokens) if turn.kind == "response" else tokens
        try:
            call.admission = self._context.limiter.admit(
                call.account,
                turn.model,
                turn.tokens,
                audio_seconds=math.ceil(audio_seconds),
                has_token_headers=False,
                overrides=call.settings.limits,
            )
        except ApiError as error:
            if call.strict or error.name not in ("model_not_allowed", "model_not_found"):
                raise

    def _script(self, turn: Turn) -> None:
        """Find the stub that answers a turn. Raises ``ApiError``."""
        is_beside = turn.kind == "transcription" and self._is_conversation  # the response is what is answered
        scripted = self._answers.find(turn.call, needs_one=not is_beside)
        turn.scripted = turn.call.scripted = scripted
        if scripted is None:
            return
        turn.answered_by = scripted.answered_by
        waits: list[float] = []
        pacing = Pacing(scripted.reply, self._context.settings.seed, waits.append)
        pacing.before_work()
        turn.delay_ms += 1000 * sum(waits)
        turn.first_delta_ms = 1000 * scripted.reply.get("first_byte", 0.0)
        rate = scripted.reply.get("tokens_per_second")
        turn.delta_ms = 1000 / rate if rate else 0.0
        if scripted.is_raw:
            turn.events = _events(scripted)
            turn.scripted = None
        elif turn.kind == "transcription" and scripted.failure is not None:
            code, message = scripted.failure.get("code", SERVER_ERROR), scripted.failure.get("message")
            raise faults.failed(code, message)

    def _fail(self, turn: Turn, error: ApiError) -> None:
        """Have a turn fail, or be refused, with an error of the catalog.

        A response is refused for what is wrong with the event that asks for it, and fails for other reasons.
        """
        turn.error = error.name
        if error.name == SERVER_ERROR:
            changes, error = error.changes, ApiError("realtime_server_error", session_id=self._log.session)
            error.changes |= changes
        rules = turn.model.realtime
        if rules is not None and rules.internal_name and "model" in error.values:
            error.values["model"] = rules.internal_name
        status = self._context.errors.rows[error.name]["status"]
        if turn.kind == "transcription" or status < _OURS:
            turn.refusal = error
        else:
            fields: Mapping[str, Any] = self._context.errors.fields(error)
            turn.failure = Failure(fields["type"], fields["code"], fields["message"])

    def _charge_usage(self, turn: Turn, usage: Mapping[str, Any]) -> None:
        """Charge the real usage of a turn, and note its costs."""
        call, model, context = turn.call, turn.model, self._context
        cost = call.operation.cost
        call.outcome.usage = usage
        call.outcome.cost_usd = cost(model.prices, usage) if cost and model.prices else None
        if turn.kind == "response":
            turn.tokens = limits.used(model, usage)
        context.limiter.settle(call.admission, turn.tokens)
        context.ledger.add(call.account.id, model.id, usage, call.outcome.cost_usd)
        context.metrics.add_usage(call.operation.resource, model.id, usage)

    def _count(self, turn: Turn) -> None:
        """Count a turn in the metrics."""
        metrics, status = self._context.metrics, 200
        if turn.error:
            status = self._context.errors.rows.get(turn.error, {}).get("status", 500)
        metrics.begin()
        metrics.observe(
            turn.call.operation.resource,
            turn.model.id,
            status,
            time.perf_counter() - turn.began,
            source=turn.answered_by.source if turn.answered_by else "",
            fault=turn.fault.kind if turn.fault else "",
            error=turn.error,
        )

    def _call_of(
        self, kind: Kind, model: ModelCard, document: Mapping[str, Any], said: Said, instructions: str
    ) -> Call:
        """Return the call of a turn."""
        operation, names = self._operation(kind)
        call = replace(
            self._call,
            operation=operation,
            document=dict(document),
            model=model,
            admission=Admission(),
            outcome=Outcome(),
            fault=None,
            scripted=None,
            web_socket=None,
            recording=None,
        )
        kinds = routes.REALTIME_REPLIES if kind == "response" else operation.reply_kinds
        call.facts = TurnFacts(
            self._call, operation, call.document, said, instructions, self._numbers[kind], names, kinds
        )
        return call

    def _operation(self, kind: Kind) -> tuple[Operation, frozenset[str]]:
        """Return the operation of a kind of turns, and the names of its endpoint for stubs."""
        if kind == "response":
            return routes.REALTIME_RESPONSE, routes.REALTIME_RESPONSE.names
        others = frozenset() if self._is_conversation else routes.REALTIME_RESPONSE.names
        return routes.REALTIME_TRANSCRIPTION, routes.REALTIME_TRANSCRIPTION.names | others


def _names_any(when: Mapping[str, Any], names: frozenset[str]) -> bool:
    """Return whether a pattern is for an endpoint with one of some names, or for all."""
    return "endpoint" not in when or not names.isdisjoint(listed(when["endpoint"]))


def _events(scripted: Scripted) -> Sequence[object]:
    """Return the events that a stub replies with: as given, or one, which is its JSON, text or file.

    Raises ``ApiError`` if the file cannot be read.
    """
    reply = scripted.reply
    if "events" in reply:
        events: Sequence[object] = reply["events"]
        return events
    if "json" in reply:
        return [reply["json"]]
    try:
        body, _ = scripted.body(lambda event: b"")
        whole = body if isinstance(body, bytes) else b"".join(body)
    except OSError as error:
        raise ApiError("stub_file_unreadable", stub=scripted.stub_id, reason=str(error)) from error
    return [whole.decode("utf-8", "replace")]


def _event(given: object) -> Mapping[str, Any] | str:
    """Return an event of a stub as a message: JSON with a type, or a text."""
    if isinstance(given, dict) and "data" in given and given.keys() <= {"event", "data"}:
        given = given["data"]
    if isinstance(given, dict) and isinstance(given.get("type"), str):
        return given
    return given if isinstance(given, str) else json_styles.streamed(given).decode("utf-8", "replace")
