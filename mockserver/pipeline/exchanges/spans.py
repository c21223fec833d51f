"""Begins the spans of requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mockserver.catalog.paths import WEBSOCKET, with_version
from mockserver.telemetry.arriving import Arriving
from mockserver.transport.authorities import parse_authority

if TYPE_CHECKING:
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.request import Request
    from mockserver.telemetry.tracing import ExchangeSpan, Tracing

_VARIABLE = re.compile(r"<(?:\w+:)?(\w+)>")  # in the path of an operation


def begin_span(
    tracing: Tracing, request_id: str, request: Request, operation: Operation | None, arrived: float
) -> ExchangeSpan:
    """Begin the span of a request that ``arrived`` at a time of ``time.perf_counter``.

    ``operation`` is ``None`` for a URL without an endpoint.
    """
    called = parse_authority(request.headers.get("host", ""))
    return tracing.begin(
        Arriving(
            request_id,
            arrived,
            request.method,
            request.secrets.hide_in_path(request.path),
            request.headers,
            request.scheme,
            host=called.host if called else None,
            port=called.port if called else None,
            resource=operation.resource if operation else None,
            route=_route(operation) if operation and operation.name else None,
            connection=request.session.id if request.session else None,
            opens_connection=operation is not None and operation.method == WEBSOCKET,
            is_inner=request.inner is not None,
        )
    )


def _route(operation: Operation) -> str:
    """Return the path of an operation as in ``/v1/models/{model}``."""
    path = _VARIABLE.sub(r"{\1}", operation.path)
    return with_version(path) if operation.is_versioned else path
