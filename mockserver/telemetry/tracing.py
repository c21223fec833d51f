"""Spans and metrics of exchanges. Imports OpenTelemetry, so it is imported only if the setting ``otel`` is on."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from opentelemetry import propagate
from opentelemetry.trace import Link, SpanKind, StatusCode, set_span_in_context

from mockserver.telemetry.attributes import (
    Attributes,
    Value,
    error_type,
    gen_ai_of,
    of_exchange,
    of_turn,
    provider_of,
)

if TYPE_CHECKING:
    from opentelemetry.trace import Span, SpanContext, Tracer

    from mockserver.journal.record import RealtimeTurn, Record
    from mockserver.telemetry.arriving import Arriving
    from mockserver.telemetry.measuring import Measures

_SERVER_ERROR = 500
_MAX_CONNECTIONS = 4_096  # of WebSockets whose spans are remembered


class Tracing:
    """Makes a span for each exchange. With ``content``, spans have what was said and written. Thread-safe."""

    def __init__(self, tracer: Tracer, measures: Measures, *, content: bool) -> None:
        self._tracer = tracer
        self._measures = measures
        self._content = content
        self._lock = threading.Lock()
        self._connections: OrderedDict[str, SpanContext] = OrderedDict()

    def begin(self, request: Arriving) -> ExchangeSpan:
        """Begin the span of an exchange, at its arrival. It continues the trace of the client's ``traceparent``."""
        gen_ai = gen_ai_of(request.resource)
        attributes: Attributes = {
            "http.request.method": request.method,
            "url.path": request.path,
            "url.scheme": request.scheme,
            **({"http.route": request.route} if request.route else {}),
            **({"server.address": request.host} if request.host else {}),
            **({"server.port": request.port} if request.port else {}),
        }
        if gen_ai:
            attributes["gen_ai.operation.name"] = gen_ai.operation
            attributes["gen_ai.provider.name"] = provider_of(request.resource, request.path)
        known = self._connections.get(request.connection) if request.connection else None
        span = self._tracer.start_span(
            gen_ai.operation if gen_ai else f"{request.method} {request.route or ''}".strip(),
            context=propagate.extract(request.headers),
            kind=SpanKind.INTERNAL if request.is_inner else SpanKind.SERVER,
            attributes=clean(attributes),
            links=[Link(known)] if known else (),
            start_time=time.time_ns() - int((time.perf_counter() - request.arrived) * 1e9),
        )
        if request.opens_connection:
            with self._lock:
                self._connections[request.id] = span.get_span_context()
                if len(self._connections) > _MAX_CONNECTIONS:
                    self._connections.popitem(last=False)
        return ExchangeSpan(self, span)

    def end(self, span: Span, entry: Record) -> None:
        """End the span of an exchange, and measure it."""
        found = of_exchange(entry, content=self._content)
        operation, model = found.get("gen_ai.operation.name"), found.get("gen_ai.request.model")
        if operation:
            span.update_name(
                str(clean({"name": f"{operation} {model}" if model else str(operation)})["name"])
            )
        span.set_attributes(clean(found))
        if entry.status is None or entry.status >= _SERVER_ERROR:
            span.set_status(StatusCode.ERROR, str(found.get("error.type", "")))
        span.end()
        self._measures.exchange(found, entry)

    def turn(self, parent: Span, session: str, turn: RealtimeTurn, seconds: float) -> None:
        """Make the span of a turn that has ended after so many real ``seconds``, as a child of its session's."""
        attributes = of_turn(turn, session, content=self._content)
        now = time.time_ns()
        name = f"{attributes['gen_ai.operation.name']} {turn.model or ''}".strip()
        span = self._tracer.start_span(
            str(clean({"name": name})["name"]),
            context=set_span_in_context(parent),
            kind=SpanKind.INTERNAL,
            attributes=clean(attributes),
            start_time=now - int(seconds * 1e9),
        )
        if turn.error:
            span.set_status(StatusCode.ERROR, error_type(None, turn.error, hung_up=False))
        span.end(now)
        self._measures.tokens(attributes)


class ExchangeSpan:
    """The span of an exchange in progress."""

    def __init__(self, tracing: Tracing, span: Span) -> None:
        self._tracing = tracing
        self._span = span

    def turn(self, session: str, turn: RealtimeTurn, seconds: float) -> None:
        """Add a turn of the session that the exchange opened; it took so many real ``seconds``."""
        self._tracing.turn(self._span, session, turn, seconds)

    def end(self, entry: Record) -> None:
        """End the span of the exchange whose final record is ``entry``."""
        self._tracing.end(self._span, entry)


def clean(attributes: Attributes) -> dict[str, Value]:
    """Return attributes whose texts can be sent: without unpaired surrogates."""
    return {
        name: value.encode("utf-8", "replace").decode()
        if isinstance(value, str)
        else [each.encode("utf-8", "replace").decode() for each in value]
        if isinstance(value, list)
        else value
        for name, value in attributes.items()
    }
