"""What is not the API itself: the front page, what browsers may do, crashes."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import flask
from werkzeug.exceptions import HTTPException

from mockserver.errors import ApiError
from mockserver.pipeline.exchange import begin
from mockserver.pipeline.responses import crashed, drain_request, log_exchange, logged_path, refusal_response
from mockserver.transport.bodies import ClientGone
from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.services import Services

log = logging.getLogger(__name__)

# What browsers may send where a preflight does not say what it asks for.
_USUAL_HEADERS = "authorization, api-key, x-api-key, openai-organization, openai-project, content-type"

_FRONT_PAGE = """\
audio-mockserver {version}: an offline mock of the hosted audio APIs.

Point your SDK at {url}v1 and use any API key:

    curl {url}v1/audio/speech -H "Authorization: Bearer sk-mock-me" \\
        -H "Content-Type: application/json" -o hello.wav \\
        -d '{{"model": "gpt-4o-mini-tts", "voice": "alloy", "response_format": "wav", "input": "Hello."}}'
    curl {url}v1/audio/transcriptions -H "Authorization: Bearer sk-mock-me" \\
        -F model=whisper-1 -F file=@hello.wav
    curl {url}v1/chat/completions -H "Authorization: Bearer sk-mock-me" -H "Content-Type: application/json" \\
        -d '{{"model": "gpt-4o-mini", "messages": [{{"role": "user", "content": "Hello."}}]}}'

Health: {url}_mock/health
"""


def register(app: flask.Flask, services: Services) -> None:
    """Adds what holds for the answers of all endpoints, those of the control API included."""
    app.before_request(_note_the_time)

    def refuse(error: ApiError) -> flask.Response:
        drain_request()
        response = refusal_response(services.errors.refusal(error))
        request_id = response.headers["x-request-id"] = services.ids.request_id()
        log_exchange(response, flask.g.began, error.name)
        exchange = begin(services.journal, request_id, flask.request.environ, began=flask.g.began)
        exchange.error = error.name
        return exchange.answered(response)

    def other_http_error(error: HTTPException) -> flask.Response:
        return refuse(ApiError("invalid_request", message=error.description))

    def crash(error: Exception) -> flask.Response:
        refusal = crashed(error)
        refusal.values["request_id"] = services.ids.request_id()
        return refuse(refusal)

    app.register_error_handler(HTTPException, other_http_error)
    app.register_error_handler(Exception, crash)
    app.register_error_handler(ClientGone, _nobody_listens)
    app.register_error_handler(TimeoutError, _nobody_listens)
    app.register_error_handler(ConnectionError, _nobody_listens)


def open_to_browsers(app: flask.Flask) -> None:
    """Adds the front page, and has pages of any origin use the API, as the real one does."""
    app.add_url_rule("/", "front_page", _front_page, methods=["GET"])
    app.before_request(_answer_preflight)
    app.after_request(_allow_browsers)


def _front_page() -> flask.Response:
    text = _FRONT_PAGE.format(version=__version__, url=flask.request.host_url)
    return flask.Response(
        text, content_type="text/plain; charset=utf-8", headers={"x-content-type-options": "nosniff"}
    )


def _note_the_time() -> None:
    flask.g.began = time.perf_counter()


def _nobody_listens(error: Exception) -> flask.Response:
    log.info("%s %s: the client went away: %s", flask.request.method, logged_path(), error)
    return flask.Response(b"", 400, {"connection": "close"})


def _answer_preflight() -> flask.Response | None:
    """Answers a browser's CORS preflight. Other requests go on."""
    request = flask.request
    if request.method != "OPTIONS":
        return None
    response = flask.Response(b"", 200)
    response.headers["access-control-allow-methods"] = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
    asked = request.headers.get("Access-Control-Request-Headers", _USUAL_HEADERS)
    response.headers["access-control-allow-headers"] = asked
    response.headers["access-control-max-age"] = "600"
    return response


def _allow_browsers(response: flask.Response) -> flask.Response:
    """Lets pages of any origin use the server and read its headers."""
    if "Origin" in flask.request.headers:
        response.headers["access-control-allow-origin"] = "*"
        own = [
            name for name, _ in response.headers if name.lower().startswith(("x-", "openai-", "retry-after"))
        ]
        response.headers["access-control-expose-headers"] = ", ".join(["X-Request-ID", *own])
    return response
