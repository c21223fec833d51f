"""The way of every request: who is calling, is it well-formed, may this model do that; then the endpoint.

An endpoint module declares an ``Operation`` and a handler. What is the same for all of them happens here,
in this order, once: settings of this request, account, body, model, schema, handler, response headers.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import flask

from mockserver.double.live_facts import LiveFacts
from mockserver.double.pacing import Pacing
from mockserver.double.transport import Connection
from mockserver.gateway import forms, scripted_answers, streamed_forms
from mockserver.gateway.body import BodyReader, Place, announced_length, drain
from mockserver.gateway.clips import RequestAudio
from mockserver.gateway.errors import ApiError, Refusal
from mockserver.gateway.inner_calls import InnerCall, inner_call
from mockserver.gateway.json_body import parse_json
from mockserver.gateway.response_headers import ResponseHeaders
from mockserver.gateway.streamed_forms import FileField, StreamedForm
from mockserver.limits.costs import cost_usd
from mockserver.limits.limiter import Admission
from mockserver.settings import SettingsError

if TYPE_CHECKING:
    from mockserver.audio.clip import Clip
    from mockserver.catalog.records import ModelCard
    from mockserver.double.exchange import Exchange
    from mockserver.double.fault_definition import Fault
    from mockserver.double.replies import Scripted
    from mockserver.gateway.accounts import Account
    from mockserver.services import Services
    from mockserver.settings import Settings

log = logging.getLogger("mockserver.access")

_NOBODY_LISTENS = 499  # the status that metrics count where the client has left
_HEADER_SAFE = " !#$&'()*+,-./:;<=>?@[]^_`{|}~"  # what need not be percent-encoded


@dataclass(frozen=True, slots=True)
class Operation:
    """What the pipeline must know of an endpoint.

    ``endpoint`` is its path as the catalog's models name it (``v1/audio/speech``); ``schema`` the request
    schema under ``schemas/openai``; ``explains`` how its service words a schema violation. ``estimate`` gives the
    tokens a request is charged beforehand; ``tells_tokens`` is whether answers have token-limit headers.
    ``rules`` names the function below ``mockserver.endpoints`` that refuses what the model cannot do.

    The body ``either`` is a form with an audio file, or JSON that names the URL of one. ``provider`` is whose
    operation it is: whose models it serves, and in whose words and shape it refuses.

    ``file_field`` is the file of a form that is kept while it arrives; such a form needs no ``body``.

    ``resource`` is the short name of what a model creates (``transcriptions``, ``chat``), else the operation's;
    ``names`` are all that stubs and faults can call it.
    """

    name: str
    method: str
    path: str
    body: Literal["none", "json", "multipart", "either"] = "none"
    schema: str = ""
    endpoint: str = ""
    explains: Literal["house", "pydantic", "zod"] = "house"
    estimate: Callable[[Mapping[str, Any]], int] | None = None
    tells_tokens: bool = False
    rules: str = ""
    provider: Literal["openai", "aimlapi"] = "openai"
    file_field: FileField | None = None
    resource: str = field(init=False)
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Names the operation."""
        resource = self.path.removeprefix("/audio").split("/")[1] if self.endpoint else self.name
        names = frozenset({resource, self.name, self.path, f"/v1{self.path}", f"v1{self.path}"})
        object.__setattr__(self, "resource", resource)
        object.__setattr__(self, "names", names)

    @property
    def is_audio(self) -> bool:
        """Whether this is one of the endpoints below ``/v1/audio``."""
        return self.path.startswith("/audio/")


@dataclass(slots=True)
class Outcome:
    """What became of a request: known late where the answer is a stream."""

    usage: Mapping[str, Any] | None = None


@dataclass(slots=True)
class Call:
    """One request on its way: what the pipeline found out, for the handler to use."""

    operation: Operation
    settings: Settings
    account: Account
    place: Place
    path: Mapping[str, str]
    audio: RequestAudio
    document: dict[str, Any] = field(default_factory=dict)
    files: Mapping[str, forms.FilePart] = field(default_factory=dict)
    streamed: StreamedForm = field(default_factory=StreamedForm)
    model: ModelCard | None = None
    admission: Admission = field(default_factory=Admission)
    outcome: Outcome = field(default_factory=Outcome)
    settle: Callable[[Mapping[str, Any]], None] = lambda usage: None
    fault: Fault | None = None
    scripted: Scripted | None = None
    inner: InnerCall | None = None
    facts: LiveFacts = field(init=False)

    def __post_init__(self) -> None:
        """Has the request looked at as matchers do."""
        self.facts = LiveFacts(self.operation, self.account, self.document, self.audio)

    @property
    def clips(self) -> Mapping[str, Clip]:
        """The audio files that were looked at, by their place."""
        return self.audio.clips

    @property
    def heard(self) -> Mapping[str, str]:
        """What the endpoint heard in them, by their place."""
        return self.audio.heard

    @property
    def usage(self) -> Mapping[str, Any] | None:
        """The usage that was settled, once it was."""
        return self.outcome.usage

    @property
    def price_share(self) -> float:
        """Which share of the price the request costs."""
        return self.inner.price_share if self.inner else 1.0

    @property
    def strict(self) -> bool:
        """Whether the real API's own rules apply, beyond the documented schema."""
        return self.settings.strictness == "real"


@dataclass(slots=True)
class Answer:
    """What a handler answers. ``body`` is whole, or an iterator that is sent as it is made.

    ``usage`` is the answer's usage object; a stream, which knows it late, calls ``Call.settle`` with it.
    """

    body: bytes | Iterable[bytes]
    content_type: str
    answered_by: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    usage: Mapping[str, Any] | None = None
    status: int = 200


Handler = Callable[["Services", Call], Answer]
Rules = Callable[["Services", Call], None]


class Pipeline:
    """Turns operations and their handlers into Flask views."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._headers = ResponseHeaders(services.ids, full=services.settings.response_headers == "full")
        settings = services.settings
        self._bodies = BodyReader(settings.max_body_bytes, settings.socket_timeout)

    def view(
        self, operation: Operation, handler: Handler, rules: Rules | None
    ) -> Callable[..., flask.Response]:
        """The Flask view function of ``operation``."""

        def handle(**path_values: str) -> flask.Response:
            return self._handle(operation, handler, rules, path_values)

        return handle

    def _handle(
        self, operation: Operation, handler: Handler, rules: Rules | None, path_values: dict[str, str]
    ) -> flask.Response:
        """Answers a request; the journal and the metrics are told."""
        services, began = self._services, time.perf_counter()
        exchange = services.journal.begin(
            services.ids.request_id(), flask.request.environ, operation, began=began
        )
        services.metrics.begin()
        status = _NOBODY_LISTENS
        try:
            response = self._respond(exchange, operation, handler, rules, path_values)
            status = response.status_code
            log_exchange(response, began, exchange.error)
            return exchange.answered(response)
        except (ConnectionError, TimeoutError):  # the client has left, or a fault has ended the connection
            exchange.unanswered()
            raise
        finally:
            services.metrics.observe(
                operation.resource,
                exchange.model,
                status,
                time.perf_counter() - began,
                answered_by=exchange.answered_by,
                fault=str((exchange.fault or {}).get("kind", "")),
                error=exchange.error,
            )

    def _respond(
        self,
        exchange: Exchange,
        operation: Operation,
        handler: Handler,
        rules: Rules | None,
        path_values: dict[str, str],
    ) -> flask.Response:
        """The response, broken if a fault is to break it."""
        try:
            response = self._answer_or_refuse(exchange, operation, handler, rules, path_values)
        finally:
            exchange.note_call()
        fault = exchange.call.fault if exchange.call else None
        if fault is None:
            return response
        from mockserver.double.broken_answers import break_answer

        return break_answer(fault, self._services, response, flask.request.environ)

    def _answer_or_refuse(
        self,
        exchange: Exchange,
        operation: Operation,
        handler: Handler,
        rules: Rules | None,
        path_values: dict[str, str],
    ) -> flask.Response:
        """The response, be it the endpoint's answer or a refusal."""
        call: Call | None = None
        try:
            call = exchange.call = self._admit(operation, path_values)
            with call.place, call.streamed:
                self._understand(call)
                if rules is not None and call.strict:
                    rules(self._services, call)
                answer = self._answer(call, handler)
        except ApiError as error:
            return self._refuse(error, operation, call, exchange)
        except (ConnectionError, TimeoutError):
            raise  # nobody is there to be answered
        except Exception as error:  # noqa: BLE001 - a bug is answered and journaled, too
            log_crash(error)
            return self._refuse(ApiError("server_error"), operation, call, exchange)
        exchange.answered_by = answer.answered_by
        headers = [
            *self._standing_headers(call, exchange),
            *answer.headers,
            *(_mock_headers(call, answer) if call.settings.mock_headers else ()),
        ]
        return flask.Response(answer.body, answer.status, headers, content_type=answer.content_type)

    def _standing_headers(self, call: Call, exchange: Exchange) -> list[tuple[str, str]]:
        if call.operation.provider != "openai":
            return self._headers.of_provider(exchange.request_id)
        answers = self._headers.of_answers(call.account, exchange.request_id, exchange.began)
        return [*answers, *call.admission.headers]

    def _admit(self, operation: Operation, path: Mapping[str, str]) -> Call:
        """Who is calling, and under which settings."""
        headers, inner = flask.request.headers, inner_call(flask.request.environ)
        accounts = self._services.accounts
        account = inner.account if inner else accounts.authenticate(headers.get("Authorization"))
        try:
            settings = self._services.tuning.for_account(account.id).for_request(headers)
        except SettingsError as error:
            raise ApiError("bad_mock_header", message=str(error)) from error
        place, audio = self._bodies.place(), RequestAudio(self._services)
        return Call(operation, settings, account, place, path, audio, inner=inner)

    def _understand(self, call: Call) -> None:
        """Reads and parses the body, finds the model, and validates."""
        operation = call.operation
        if operation.file_field is not None:
            self._receive_form(call, operation.file_field)
        elif operation.body == "multipart":
            self._parse_form(call)
        elif operation.body == "json":
            self._parse_json(call)
        elif operation.body == "either":
            self._parse_either(call)
        if operation.endpoint:
            self._find_model(call)
        self._strike(call)
        if operation.endpoint:
            self._charge(call)
        if operation.schema:
            self._validate(call)

    def _strike(self, call: Call) -> None:
        """Is a fault due? Raises the ``ApiError`` that it is, or waits as it says."""
        services = self._services
        header = flask.request.headers.get("x-mock-fault")
        call.fault = services.faults.due(call.facts, call.account.id, header)
        if call.fault is not None:
            from mockserver.double.broken_answers import strike

            strike(call.fault, services, call)

    def _answer(self, call: Call, handler: Handler) -> Answer:
        """What a stub scripts, else what the endpoint makes of the request; settled, and at its pace."""
        pacing = self._script(call)
        raw = scripted_answers.raw_answer(call.scripted) if call.scripted else None
        try:
            answer = raw or handler(self._services, call)
        except ApiError:
            if call.scripted is not None:
                self._services.stubs.give_back(call.scripted.stub_id, call.account.id)
                call.scripted = None
            raise
        if answer.usage is not None:
            call.settle(answer.usage)
        if call.scripted is not None and pacing is not None:
            used = answer.usage or {}
            tokens = used.get("completion_tokens", used.get("output_tokens", 0))
            answer.body = pacing.paced(answer.body, answer.content_type, tokens)
            answer.headers += tuple(call.scripted.reply.get("headers", {}).items())
        return answer

    def _script(self, call: Call) -> Pacing | None:
        """Finds the stub that answers the request, and waits as it says. Raises ``ApiError``."""
        call.scripted = scripted_answers.script(self._services, call)
        if call.scripted is None:
            return None
        wait = partial(Connection(flask.request.environ).wait, closing=self._services.closing)
        pacing = Pacing(call.scripted.reply, self._services.settings.seed, wait)
        call.place.release()
        pacing.before_work()
        return pacing

    def _parse_form(self, call: Call) -> None:
        content_type = flask.request.headers.get("Content-Type", "")
        try:
            form = forms.parse_multipart(self._read(call), content_type)
        except forms.MultipartError as error:
            if call.settings.strictness == "off":
                return
            raise ApiError("invalid_multipart") from error
        call.files = call.audio.files = form.files
        call.document.update(
            forms.to_document(form, self._services.schemas.properties(call.operation.schema))
        )

    def _parse_either(self, call: Call) -> None:
        """A form or JSON; the audio at a URL is taken for an upload, where it is at hand."""
        if flask.request.mimetype == "multipart/form-data":
            self._parse_form(call)
        else:
            self._parse_json(call)
        call.audio.files = self._services.url_sources.audio_of(call.document, call.files)

    def _receive_form(self, call: Call, file_field: FileField) -> None:
        """Reads a form and keeps its file while it arrives."""
        stream, length = flask.request.environ["wsgi.input"], announced_length(flask.request)
        content_type = flask.request.headers.get("Content-Type", "")
        try:
            streamed_forms.receive(
                call.streamed, self._services.blobs, stream, length, content_type, file_field
            )
        except forms.MultipartError as error:
            if call.settings.strictness != "off":
                raise ApiError("invalid_multipart") from error
        call.audio.received = call.streamed.files.values()
        form = forms.Form(call.streamed.fields, {})
        call.document.update(
            forms.to_document(form, self._services.schemas.properties(call.operation.schema)),
            **dict.fromkeys(call.streamed.files, ""),
        )

    def _parse_json(self, call: Call) -> None:
        content_type = flask.request.headers.get("Content-Type", "")
        body = self._read(call)
        if content_type and call.strict and not content_type.lower().startswith("application/json"):
            raise ApiError("unsupported_content_type", accepted="application/json", given=content_type)
        try:
            call.document.update(parse_json(body))
        except ApiError:
            if call.settings.strictness != "off":
                raise

    def _read(self, call: Call) -> bytes:
        stream = flask.request.environ["wsgi.input"]
        return self._bodies.read(stream, announced_length(flask.request), call.place)

    def _find_model(self, call: Call) -> None:
        name = call.document.get("model")
        if not name and call.settings.strictness != "off":
            raise ApiError("missing_model")
        catalog = self._services.catalog
        if isinstance(name, str):
            call.model = catalog.served(name)
        if call.strict and isinstance(name, str):
            if call.model is None:
                raise self._no_such_model(call, name)
            self._check_access(call, call.model)
            if call.operation.endpoint not in call.model.endpoints:
                if call.operation.provider != "openai":
                    raise self._no_such_model(call, name)
                raise ApiError("model_not_for_endpoint", endpoint="/" + call.operation.endpoint, model=name)
        elif call.model is None or call.operation.endpoint not in call.model.endpoints:
            call.model = catalog.model_for(call.operation.endpoint)

    def _no_such_model(self, call: Call, name: str) -> ApiError:
        if call.operation.provider == "openai":
            return ApiError("model_not_found", model=name)
        from mockserver.gateway import zod

        offers = self._services.catalog.offers.items()
        known = [each for each, model in offers if call.operation.endpoint in model.endpoints]
        return ApiError("model_not_found", model=name, details=zod.no_such_value("model", known, name))

    def _check_access(self, call: Call, model: ModelCard) -> None:
        if not call.account.may_use(model.id, model.alias_of):
            raise ApiError("model_not_allowed", project=call.account.project, model=model.id)
        if call.settings.retire_models and model.shutdown_date is not None:
            today = datetime.fromtimestamp(self._services.clock.now(), timezone.utc).date()
            if today.isoformat() >= model.shutdown_date:
                raise ApiError("model_retired", model=model.id)

    def _charge(self, call: Call) -> None:
        """Is there room? Charges the request, before it is validated: refused ones count, too."""
        assert call.model is not None
        if call.inner is None:
            self._admit_within_limits(call, call.model)
        # Not bound to the call: in a cycle with itself it would keep the upload until the next garbage collection.
        call.settle = partial(
            self._settle,
            call.operation.resource,
            call.account,
            call.model,
            call.admission,
            call.price_share,
            call.outcome,
        )

    def _admit_within_limits(self, call: Call, model: ModelCard) -> None:
        operation = call.operation
        tokens = operation.estimate(call.document) if operation.estimate else 0
        try:
            call.admission = self._services.limiter.admit(
                call.account,
                model,
                tokens,
                tells_tokens=operation.tells_tokens,
                overrides=call.settings.limits,
            )
        except ApiError as error:
            if call.strict or error.name not in ("model_not_allowed", "model_not_found"):
                raise

    def _settle(
        self,
        resource: str,
        account: Account,
        model: ModelCard,
        admission: Admission,
        price_share: float,
        outcome: Outcome,
        usage: Mapping[str, Any],
    ) -> None:
        """Charges what the answer really used."""
        outcome.usage = usage
        self._services.metrics.add_usage(resource, model.id, usage)
        self._services.limiter.settle(admission, usage.get("total_tokens", 0))
        self._services.ledger.add(account.id, model, usage, price_share)

    def _validate(self, call: Call) -> None:
        operation = call.operation
        schemas, name = self._services.schemas, operation.schema
        if schemas.is_valid(name, call.document):
            return
        from mockserver.gateway import explain

        violations = schemas.violations(name, call.document)
        if call.settings.strictness == "off":
            for violation in violations:
                if violation.path:
                    call.document.pop(str(violation.path[0]), None)
            return
        if operation.explains == "zod":
            from mockserver.gateway import zod

            raise ApiError("invalid_request", message="", details=zod.issues(violations))
        if operation.explains == "pydantic":
            message = explain.pydantic(violations, form=operation.body == "multipart")
            raise ApiError("invalid_request", message=message, param=None, code=None)
        found = explain.house(explain.foremost(violations))
        raise ApiError("invalid_request", message=found.message, param=found.param, code=found.code)

    def _refuse(
        self, error: ApiError, operation: Operation, call: Call | None, exchange: Exchange
    ) -> flask.Response:
        request_id, exchange.error = exchange.request_id, error.name
        error.values.setdefault("request_id", request_id)
        if operation.provider == "aimlapi":
            return self._refuse_as_aimlapi(error, exchange)
        style = "engine"
        if call is not None and call.model is not None:
            style = call.model.error_style
        refusal = self._services.errors.refusal(error, error_style=style, audio_endpoint=operation.is_audio)
        response = refusal_response(refusal)
        if refusal.from_gateway or call is None:
            response.headers.extend(self._headers.of_refusals(request_id))
            drain_request()
        else:
            response.headers.extend(self._headers.of_answers(call.account, request_id, exchange.began))
            response.headers.extend(call.admission.headers)
        response.headers.extend(error.headers)
        return response

    def _refuse_as_aimlapi(self, error: ApiError, exchange: Exchange) -> flask.Response:
        from mockserver.gateway import aimlapi_errors

        refusal = aimlapi_errors.refusal(
            error,
            self._services.errors.rows[error.name],
            path=whole_path(),
            request_id=exchange.request_id,
            now=self._services.clock.now(),
        )
        response = refusal_response(refusal)
        response.headers.extend(self._headers.of_provider(exchange.request_id))
        drain_request()
        return response


def _mock_headers(call: Call, answer: Answer) -> Iterator[tuple[str, str]]:
    """The mock's own: who answered, and what it would have cost."""
    if answer.usage is not None and call.model is not None:
        cost = cost_usd(call.model, answer.usage, call.price_share)
        yield "x-mock-cost-usd", "unknown" if cost is None else f"{cost:.8f}"
    if answer.answered_by:
        yield "x-mock-answered-by", quote(answer.answered_by, _HEADER_SAFE)


def refusal_response(refusal: Refusal) -> flask.Response:
    """A refusal as a Flask response."""
    response = flask.Response(refusal.body, refusal.status, content_type=refusal.content_type)
    for name, value in refusal.headers:
        response.headers[name] = value
    return response


def drain_request() -> None:
    """Reads what is left of the request's body, so that the client hears the refusal."""
    drain(flask.request.environ["wsgi.input"], announced_length(flask.request))


def log_crash(error: Exception) -> None:
    """What should not have happened, with its traceback."""
    log.error("%s %s failed", flask.request.method, whole_path(), exc_info=error)


def whole_path() -> str:
    """The request's path as the client wrote it."""
    return flask.request.script_root + flask.request.path


def log_exchange(response: flask.Response, began: float, note: str = "") -> None:
    """One line of log for an answered request."""
    level = logging.INFO if inner_call(flask.request.environ) is None else logging.DEBUG
    if log.isEnabledFor(level):
        answered_by = note or response.headers.get("x-mock-answered-by", "")
        milliseconds = (time.perf_counter() - began) * 1000
        request = flask.request
        log.log(
            level,
            "%s %s %d %.1f ms %s",
            request.method,
            quote(whole_path()),
            response.status_code,
            milliseconds,
            answered_by,
        )
