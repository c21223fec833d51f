"""The pipeline that handles the requests of every endpoint.

An endpoint declares an ``Operation`` and a handler. The steps that all endpoints share are here, in this order:
account, settings of the request, body, model, fault, limits, schema, rules, stub or handler, response headers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache, partial
from typing import TYPE_CHECKING
from urllib.parse import quote

from msgspec import Struct

from mockserver.catalog.paths import VERSION, WEBSOCKET, lacks_version
from mockserver.errors import ApiError
from mockserver.matching.allowance import ScriptLimits, sharing
from mockserver.pipeline.call import Answer, Call
from mockserver.pipeline.charging import Charging
from mockserver.pipeline.exchanges.exchange import begin
from mockserver.pipeline.models import check_kind, find_model
from mockserver.pipeline.request_audio import RequestAudio
from mockserver.pipeline.responses import Reply, close, crashed, log_exchange, storage_error
from mockserver.pipeline.scripted.answers import ScriptedAnswers, raw_answer
from mockserver.pipeline.scripted.errors import ScriptedErrors
from mockserver.scripting.stubs.pacing import Pacing
from mockserver.settings.model import SettingsError
from mockserver.state.disk import StateFailed

if TYPE_CHECKING:
    import threading

    from mockserver.accounts.accounts import Accounts
    from mockserver.accounts.settings import AccountSettings
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.engines.answers import AnswerChain
    from mockserver.errors import ErrorTable
    from mockserver.journal.journal import Journal
    from mockserver.journal.metrics import Metrics
    from mockserver.limits.costs import Ledger
    from mockserver.limits.limiter import Limiter
    from mockserver.logs import Notices
    from mockserver.pipeline.exchanges.exchange import Exchange
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.provider import Handler, Provider, Route
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.request_body import RequestBodies
    from mockserver.pipeline.web_socket_adapter import WebSocketAdapter
    from mockserver.scripting.faults.registry import Faults
    from mockserver.scripting.stubs.stubs import Stubs
    from mockserver.settings.model import Settings
    from mockserver.telemetry.tracing import Tracing
    from mockserver.transport.answer_memory import AnswerMemory
    from mockserver.validation.schemas import RequestSchemas

log = logging.getLogger(__name__)

_UNKNOWN = "unknown"  # the endpoint of an unknown path, in metrics
_CLIENT_LEFT = 499  # the status in metrics of a request whose client has left
_CONDITIONS_LEFT_OPEN = (
    "Conditions of stubs or faults take more than path_steps or script_seconds allow for a request: "
    "they were taken as not met. The log names them."
)
_HEADER_SAFE = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"  # characters that are not percent-encoded


class PipelineParts(Struct, frozen=True):
    """The parts of a server that its pipelines share."""

    settings: Settings
    account_settings: AccountSettings
    accounts: Accounts
    bodies: RequestBodies
    transcribers: AnswerChain
    catalog: Catalog
    clock: Clock
    errors: ErrorTable
    faults: Faults
    stubs: Stubs
    limiter: Limiter
    ledger: Ledger
    request_schemas: RequestSchemas
    journal: Journal
    metrics: Metrics
    notices: Notices
    answer_memory: AnswerMemory
    closing: threading.Event
    refresh: Callable[[], None]
    tracing: Tracing | None


class Pipeline:
    """Handles the requests of a provider: returns the ``Reply`` to a ``Request``."""

    def __init__(self, provider: Provider, parts: PipelineParts) -> None:
        self._provider = provider
        self._parts = parts
        self._script_limits = ScriptLimits.of(parts.settings)
        self._errors = ScriptedErrors(parts.errors, parts.limiter, parts.catalog)
        self._answers = ScriptedAnswers(parts.stubs, parts.accounts, parts.clock, self._errors)
        self._charging = Charging(parts.limiter, parts.ledger, parts.metrics)

    def reply(self, route: Route, request: Request, path_values: Mapping[str, str]) -> Reply:
        """Return the reply to a request of a route, and record both in the journal and the metrics.

        Raises ``ConnectionError`` and ``TimeoutError`` if the client has left or a fault has ended the connection.
        """
        parts, operation, began = self._parts, route.operation, time.perf_counter()
        request_id = self._provider.request_id(operation)
        exchange = begin(parts.journal, request_id, request, operation, began=began, tracing=parts.tracing)
        parts.metrics.begin()
        status = _CLIENT_LEFT
        try:
            reply = self._reply(exchange, route, path_values)
            status = reply.status
            log_exchange(request, reply, began, exchange.error)
            return self._recorded(exchange, reply, operation)
        except (ConnectionError, TimeoutError):  # the client has left, or a fault has ended the connection
            exchange.unanswered()
            raise
        finally:
            parts.metrics.observe(
                operation.resource or _UNKNOWN,
                exchange.model,
                status,
                time.perf_counter() - began,
                source=exchange.answered_by.source if exchange.answered_by else "",
                fault=exchange.fault.kind if exchange.fault else "",
                error=exchange.error,
            )

    def _recorded(self, exchange: Exchange, reply: Reply, operation: Operation) -> Reply:
        """Return the reply once it is in the journal. One that cannot be written is not sent."""
        try:
            return exchange.answered(reply)
        except StateFailed as error:
            close(reply)
            return exchange.unrecorded(self._refuse(storage_error(error), operation, exchange))

    def _reply(self, exchange: Exchange, route: Route, path_values: Mapping[str, str]) -> Reply:
        """Return the reply; a fault may have broken it."""
        try:
            with sharing(self._script_limits) as scripts:
                reply = self._answer_or_refuse(exchange, route, path_values)
        finally:
            exchange.note_call()
        call = exchange.call
        if call is not None and scripts.left_conditions_open:
            call.warning = f"{call.warning} {_CONDITIONS_LEFT_OPEN}".strip()
        if call is not None and call.warning and call.settings.mock_headers:
            reply.headers["x-mock-warning"] = call.warning
        fault = call.fault if call else None
        if fault is None:
            return reply
        from mockserver.pipeline.scripted.faults import apply_to_reply

        failure = route.operation.failure
        return apply_to_reply(fault, reply, exchange.request, self._parts.closing, failure)

    def _answer_or_refuse(self, exchange: Exchange, route: Route, path_values: Mapping[str, str]) -> Reply:
        """Return the reply: the endpoint's answer or a refusal."""
        operation = route.operation
        try:
            call = exchange.call = self._admit(exchange, route, path_values)
            with call.slot, call.streamed:
                self._check_url(call)
                self._prepare(call)
                if route.rules is not None and call.strict:
                    route.rules(call)
                answer = self._answer(call, route.handler)
            return self._reply_of(answer, call, exchange)
        except ApiError as error:
            return self._refuse(error, operation, exchange)
        except StateFailed as error:
            return self._refuse(storage_error(error), operation, exchange)
        except (ConnectionError, TimeoutError):
            raise  # the connection has ended
        except Exception as error:  # noqa: BLE001 - a bug is answered and recorded in the journal, too
            return self._refuse(crashed(error, exchange.request), operation, exchange)

    def _reply_of(self, answer: Answer, call: Call, exchange: Exchange) -> Reply:
        """Return the reply with the endpoint's answer and its headers.

        Raises ``ApiError`` if the answer is large and the memory for large answers is used up.
        """
        exchange.answered_by = answer.answered_by
        standing = self._provider.headers(call, exchange.began)
        if answer.headers:
            own = {name.lower() for name, _ in answer.headers}
            standing = [each for each in standing if each[0].lower() not in own]
        headers = [
            *standing,
            *answer.headers,
            *(_mock_headers(call, answer) if call.settings.mock_headers else ()),
        ]
        reply = Reply(answer.body, answer.status, answer.content_type, headers)
        if isinstance(answer.body, bytes) and not answer.is_shared:
            reply.call_on_close(self._parts.answer_memory.hold(reply, len(answer.body)))
        self._provider.finish(reply, call.operation)
        return reply

    def _admit(self, exchange: Exchange, route: Route, path: Mapping[str, str]) -> Call:
        """Return the call of a request, with its account and settings. Raises ``ApiError``."""
        self._parts.refresh()
        request, operation = exchange.request, route.operation
        headers, inner = request.headers, request.inner
        known = inner or request.session
        account = known.account if known else self._provider.caller(headers)
        try:
            settings = self._parts.account_settings.for_account(account.id)
            if headers.may_steer:
                settings = settings.for_request(headers)
        except SettingsError as error:
            raise ApiError("bad_mock_header", message=str(error)) from error
        slot = self._parts.bodies.slot()
        max_seconds = self._parts.settings.max_audio_seconds
        audio = RequestAudio(self._parts.transcribers, max_seconds, request.connection.check)
        call = Call(
            request,
            operation,
            settings,
            account,
            slot,
            path,
            audio,
            request_id=exchange.request_id,
            recall=route.recall,
        )
        if operation.method == WEBSOCKET:
            call.web_socket = self._web_socket(call)
        return call

    def _web_socket(self, call: Call) -> WebSocketAdapter:
        """Return the adapter for a WebSocket, whose messages are answered as POSTs to its path."""
        from mockserver.pipeline.web_socket_adapter import WebSocketAdapter

        path = call.operation.path
        posted = (each for each in self._provider.routes if each.operation.path == path)
        route = next((each for each in posted if each.operation.method == "POST"), None)

        def answer(request: Request) -> Reply:
            assert route is not None
            return self.reply(route, request, call.path)

        most, slot = self._parts.settings.max_json_values, self._parts.bodies.waiting_slot
        return WebSocketAdapter(call.request, call.account, call.request_id, answer, most, slot)

    def _check_url(self, call: Call) -> None:
        """Warn of a URL without ``/v1``, which is served for convenience. With ``strict_urls``, raise ``ApiError``."""
        method, path = call.request.method, call.request.path
        if not call.operation.is_versioned or not lacks_version(path):
            return
        if call.settings.strict_urls:
            raise ApiError("unknown_url", method=method, path=path)
        logged = call.request.logged_path
        call.warning = f"The base URL lacks {VERSION}: the real API answers {method} {logged} with 404."
        if self._parts.notices.is_new(call.warning):
            log.warning("%s %s %s", call.warning, "Add it, or refuse such calls with", "strict_urls = true.")

    def _prepare(self, call: Call) -> None:
        """Read the body, find the model, apply a fault, charge the limits, and validate. Raises ``ApiError``."""
        operation = call.operation
        self._parts.bodies.read(call)
        self._provider.prepare(call)
        refusal = None
        if operation.endpoint:
            refusal = find_model(self._parts.catalog, self._parts.clock, self._provider, call)
        if refusal is not None and not operation.model_last:
            raise refusal
        self._apply_fault(call)
        if operation.endpoint and refusal is None:
            assert call.model is not None
            self._charging.charge(call, call.model)  # before it is validated: refused requests count, too
            check_kind(call)
        if operation.schema:
            self._validate(call)
        if refusal is not None:
            raise refusal

    def _apply_fault(self, call: Call) -> None:
        """Find the fault that is due, and apply it: wait, or raise its ``ApiError``."""
        header = call.request.headers.get("x-mock-fault")
        call.fault = self._parts.faults.due(call.facts, call.account.id, header)
        if call.fault is not None:
            from mockserver.pipeline.scripted.faults import apply_before

            apply_before(call.fault, call, self._errors, self._parts.closing)

    def _answer(self, call: Call, handler: Handler) -> Answer:
        """Return the answer of a stub or of the handler; charge its usage, and pace it as the stub says."""
        pacing = self._script(call)
        raw = raw_answer(call.scripted, call) if call.scripted else None
        try:
            answer = raw or handler(call)
        except ApiError as error:
            if not error.is_scripted:
                self._answers.give_back(call)
            raise
        if answer.usage is not None:
            call.settle(answer.usage)
        if call.scripted is not None and pacing is not None:
            usage = answer.usage or {}
            tokens = usage.get("completion_tokens", usage.get("output_tokens", 0))
            answer.body = pacing.paced(answer.body, answer.content_type, tokens)
            answer.headers += tuple(call.scripted.reply.get("headers", {}).items())
        return answer

    def _script(self, call: Call) -> Pacing | None:
        """Find the stub that answers the request, and wait for its delay. Raises ``ApiError``."""
        session = call.request.session
        if call.web_socket is None and (session is None or session.is_scriptable):
            call.scripted = self._answers.find(call)
        if call.scripted is None:
            return None
        wait = partial(call.request.connection.wait, closing=self._parts.closing)
        pacing = Pacing(call.scripted.reply, self._parts.settings.seed, wait)
        call.slot.release()
        pacing.before_work()
        return pacing

    def _validate(self, call: Call) -> None:
        operation = call.operation
        schemas, name = self._parts.request_schemas.of(call.settings.strictness), operation.schema
        if schemas.is_valid(name, call.document):
            return
        if call.settings.strictness == "off":
            for member in schemas.refused_members(name, call.document):
                call.document.pop(member, None)
            return
        violations = schemas.violations(name, call.document)
        if call.strict and call.model is not None:
            violations = [each for each in violations if not call.model.lifts(each.path, each.keyword)]
            if not violations:
                return
        raise self._provider.invalid(violations, operation)

    def _refuse(self, error: ApiError, operation: Operation, exchange: Exchange) -> Reply:
        exchange.error = error.name
        error.values.setdefault("request_id", exchange.request_id)
        return self._provider.refuse(error, operation, exchange)


def _mock_headers(call: Call, answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield the headers of the mock: who answered, and the cost."""
    if answer.usage is not None and call.model is not None:
        cost = call.outcome.cost_usd
        yield "x-mock-cost-usd", "unknown" if cost is None else f"{cost:.8f}"
    if answer.answered_by:
        yield "x-mock-answered-by", _quoted(str(answer.answered_by))


@lru_cache(maxsize=256)
def _quoted(text: str) -> str:
    """Return a text as the value of a header."""
    return quote(text, _HEADER_SAFE)
