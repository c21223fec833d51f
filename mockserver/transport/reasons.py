"""The reason phrases of HTTP statuses, in the words of Werkzeug, whose import takes long."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REASONS = {
    **{status.value: status.phrase for status in HTTPStatus},
    203: "Non Authoritative Information",
    207: "Multi Status",
    306: "Switch Proxy",
    413: "Request Entity Too Large",
    414: "Request URI Too Long",
    416: "Requested Range Not Satisfiable",
    418: "I'm a teapot",
    422: "Unprocessable Entity",
    449: "Retry With",
    511: "Network Authentication Failed",
}


def with_reasons(wsgi_app: WSGIApplication) -> WSGIApplication:
    """Return the app with these reason phrases in status lines; Werkzeug writes them in capitals."""

    def answered(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, *rest: Any) -> Any:
            code, _, reason = status.partition(" ")
            return start_response(f"{code} {REASONS.get(int(code), reason)}", *rest)

        return wsgi_app(environ, start)

    return answered
