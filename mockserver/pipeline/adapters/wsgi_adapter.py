"""The adapter for WSGI: converts a request to a ``Request``, and answers what fails outside the pipeline."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.installation import importing
from mockserver.pipeline.exchanges.exchange import begin
from mockserver.pipeline.request import InnerCall, Request, RequestHeaders
from mockserver.pipeline.responses import Reply, crashed, log_exchange, refusal_reply
from mockserver.state.disk import StateFailed
from mockserver.transport.bodies import announced_length
from mockserver.transport.connection import HEADERS, Connection

if TYPE_CHECKING:
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.journal.journal import Journal
    from mockserver.telemetry.tracing import Tracing

log = logging.getLogger(__name__)

Answering = Callable[[Request, Mapping[str, str]], Reply]  # answers a request with the values in its path

_HTML = "text/html; charset=utf-8"


def request_of(environ: dict[str, Any]) -> Request:
    """Return the request in a WSGI environ."""
    port = str(environ.get("SERVER_PORT", ""))  # a Unix socket has none
    return Request(
        method=environ["REQUEST_METHOD"],
        path=written_path(environ),
        query_string=environ.get("QUERY_STRING", ""),
        headers=RequestHeaders(environ.get(HEADERS) or _headers(environ)),
        body=environ["wsgi.input"],
        length=announced_length(environ),
        connection=Connection.of(environ),
        protocol=environ.get("SERVER_PROTOCOL", ""),
        scheme=environ["wsgi.url_scheme"],
        server=(environ["SERVER_NAME"], int(port) if port.isdecimal() else None),
        inner=InnerCall.of(environ),
    )


def written_path(environ: Mapping[str, Any]) -> str:
    """Return the path of a WSGI request as the client wrote it, without the query."""
    path: str = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def _headers(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of a WSGI request, with names in lower case, in the order of the environ."""
    headers = {}
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            headers[key[5:].replace("_", "-").lower()] = value
        elif value and key in ("CONTENT_TYPE", "CONTENT_LENGTH"):
            headers[key.replace("_", "-").lower()] = value
    return headers


class Failures:
    """Answers and records what fails outside the pipeline, as the API's gateway does."""

    def __init__(
        self, errors: ErrorTable, ids: Ids, journal: Journal, tracing: Tracing | None = None
    ) -> None:
        self._errors = errors
        self._ids = ids
        self._journal = journal
        self._tracing = tracing

    def reply(self, error: Exception, request: Request, began: float) -> Reply:
        """Return the reply to a request; ``began`` is its start by ``time.perf_counter``."""
        if isinstance(error, ConnectionError | TimeoutError):
            log.info("%s %s: the client left: %s", request.method, request.logged_path, error)
            return Reply(b"", 400, _HTML, [("connection", "close")])
        with importing:
            from werkzeug.exceptions import HTTPException

        if isinstance(error, HTTPException):
            refusal = ApiError("invalid_request", message=error.description)
        else:
            refusal = crashed(error, request)
        request.drain()
        request_id = self._ids.request_id()
        refusal.values.setdefault("request_id", request_id)
        reply = refusal_reply(self._errors.refusal(refusal))
        reply.headers["x-request-id"] = request_id
        log_exchange(request, reply, began, refusal.name)
        exchange = begin(self._journal, request_id, request, began=began, tracing=self._tracing)
        exchange.error = refusal.name
        try:
            return exchange.answered(reply)
        except StateFailed:
            return reply
