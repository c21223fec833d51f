"""``/health`` and ``/ready``, the probes of containers and load balancers, answered without Flask.

Every caller is answered, without a key or a token. The API has no such paths: journal, limits, stubs and faults do not
apply to them. Below ``/v1`` they are paths of the API, which are not served.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from mockserver import json_styles
from mockserver.control.headers import HEADERS
from mockserver.pipeline.adapters.fixed_paths import sent
from mockserver.pipeline.responses import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from mockserver.control.contexts import ServerContext

_RETRY = ("retry-after", "1")  # seconds


def beside(wsgi_app: WSGIApplication, context: ServerContext) -> WSGIApplication:
    """Return an app that answers the probes, and leaves all other requests to ``wsgi_app``."""
    answers: dict[str, Callable[[], Reply]] = {"/health": health, "/ready": partial(ready, context)}

    def parted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = answers.get(environ.get("PATH_INFO", ""))
        if answer is None or environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return wsgi_app(environ, start_response)
        body = sent(answer(), start_response)
        return () if environ["REQUEST_METHOD"] == "HEAD" else body

    return parted


def health() -> Reply:
    """Return 200: a server that answers is alive."""
    return _reply(200, {"status": "ok"})


def ready(context: ServerContext) -> Reply:
    """Return 200 if every engine of the settings can answer, else 503 with the reason.

    Whisper is the only engine that takes long to load. If nobody has asked for it yet, its loading begins.
    """
    whisper = context.whisper
    if whisper is None:
        return _reply(200, {"status": "ready"})
    whisper.start()
    state = whisper.state
    if state == "ready":
        return _reply(200, {"status": "ready"})
    if state == "failed":
        return _reply(503, {"status": "failed", "reason": whisper.error})
    reason = f"the Whisper model {whisper.model_name} is being loaded"
    return _reply(503, {"status": "loading", "reason": reason}, _RETRY)


def _reply(status: int, document: dict[str, str], *headers: tuple[str, str]) -> Reply:
    return Reply(
        json_styles.two_spaces_newline(document), status, "application/json", [*headers, *HEADERS.items()]
    )
