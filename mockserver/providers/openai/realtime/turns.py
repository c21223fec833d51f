"""The turns of a session as the rest of the server sees them: stubs, faults, limits and costs of each.

A *turn* is a response, or the transcription of what the user said. It is a ``Call`` of its own with the account and
settings of the handshake.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from msgspec import Struct

from mockserver.errors import ApiError
from mockserver.limits.limiter import Admission
from mockserver.matching.allowance import ScriptLimits, sharing
from mockserver.matching.comparisons import listed
from mockserver.pipeline.call import Outcome
from mockserver.pipeline.scripted.answers import ScriptedAnswers
from mockserver.pipeline.scripted.errors import ScriptedErrors
from mockserver.providers.openai import routes
from mockserver.providers.openai.realtime.turn_facts import Said, TurnFacts
from mockserver.scripting.stubs.replies import content_kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mockserver.catalog.records import ModelCard
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.operation import Operation
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.scripting.faults.fault import Fault
    from mockserver.scripting.stubs.replies import Scripted

Kind = Literal["response", "transcription"]


class Failure(NamedTuple):
    """The error with which a response or a transcription fails."""

    type: str
    code: str | None
    message: str


class Turn(Struct, eq=False):
    """A response, or the transcription of what the user said.

    One of these says how it is answered; without any, the engines answer:

    - ``refusal``: an ``error`` event is sent in its place (in a transcription: as its failure).
    - ``failure``: it is created, has no output, and fails.
    - ``events``: they are sent in its place, as they are.
    - ``scripted``: the stub's words, tool calls, audio or transcript are its output; with ``scripted.failure`` it
      fails after them, or without any if ``scripted.only_fails``.

    ``delay_ms`` passes on the timeline before it begins, ``first_delta_ms`` more before its first delta, ``delta_ms``
    more before each other delta of text. ``is_silent``: it begins, and nothing more is sent of it.
    """

    kind: Kind
    number: int
    call: Call
    model: ModelCard
    refusal: ApiError | None = None
    failure: Failure | None = None
    events: Sequence[object] | None = None
    scripted: Scripted | None = None
    fault: Fault | None = None
    delay_ms: float = 0.0
    first_delta_ms: float = 0.0
    delta_ms: float = 0.0
    is_silent: bool = False


class Turns:
    """The turns of a session. ``call`` is the handshake."""

    def __init__(self, context: RealtimeContext, call: Call, *, is_conversation: bool) -> None:
        self._context = context
        self._call = call
        self._is_conversation = is_conversation
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
    ) -> Turn:
        """Return a new turn: charged to the limits, hit by the fault that is due, answered by the stub that matches.

        ``document`` are the effective parameters of the response (those of the session and of ``response.create``) or
        transcription, which ``fields`` match. ``instructions`` are those of the response, or the prompt of the
        transcription. ``tokens`` and ``audio_seconds`` are those of the input, for the limits.
        """
        self._numbers[kind] += 1
        turn = Turn(
            kind, self._numbers[kind], self._call_of(kind, model, document, said, instructions), model
        )
        with sharing(self._script_limits):
            try:
                turn.scripted = self._answers.find(turn.call)
            except ApiError as error:
                turn.refusal = error
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

    def settle(self, turn: Turn, usage: Mapping[str, Any]) -> None:
        """Charge the usage of a turn that has ended."""

    def rate_limits(self, turn: Turn) -> list[dict[str, Any]]:
        """Return the ``rate_limits`` of the event after a response was settled."""
        return [{"name": "tokens", "limit": 15_000_000, "remaining": 15_000_000, "reset_seconds": 0.0}]

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
        )
        call.facts = TurnFacts(
            self._call,
            operation,
            call.document,
            said,
            instructions,
            self._numbers[kind],
            names,
            operation.reply_kinds if kind == "transcription" else routes.REALTIME_REPLIES,
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
