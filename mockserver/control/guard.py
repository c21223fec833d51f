"""Access control of the control API: callers on this machine or with the token, and no pages of other sites.

``refusal`` decides by the client's address and the headers ``Host``, ``Origin`` and ``Sec-Fetch-*`` (Fetch Metadata).
docs/control.md describes the rules.
"""

from __future__ import annotations

import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import flask

from mockserver.catalog.reading import read_table
from mockserver.control.headers import HEADERS
from mockserver.control.operation import answer
from mockserver.pipeline.adapters.wsgi_adapter import request_of
from mockserver.settings.hosts import address_of, is_loopback
from mockserver.transport.authorities import Authority, parse_authority, parse_origin
from mockserver.wording import cut

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from mockserver.settings.model import Settings

TOKEN_HEADER = "x-mock-control-token"  # noqa: S105 - the header's name

# Sec-Fetch-Site of requests from this server's pages, and from the address bar.
_OWN_PAGES = ("same-origin", "none")
# Sec-Fetch-Mode of requests with answers that a page of another origin can read.
_BY_SCRIPT = ("cors", "websocket")
_MAX_SHOWN = 80  # characters of a header that a refusal quotes
_PROXY_HEADERS = Path(__file__).parents[1] / "catalog" / "proxy_headers.toml"
_REMEDY = (
    "Start the server with --control-token, or MOCKSERVER_CONTROL_TOKEN, and send the token in the header "
    "x-mock-control-token."
)
_PAGES = (
    "Pages of this server and, by fetch() or WebSocket, of others on this machine (http://localhost:PORT) may call the "
    "control API; an address typed into a browser is answered, too."
)


class Refused(NamedTuple):
    """A refusal: the status of the answer, and its message."""

    status: int
    message: str


def register(
    app: flask.Flask,
    settings: Settings,
    open_paths: Collection[str],
    paths_without_account: Collection[str] = (),
) -> None:
    """Refuse forbidden calls, except to ``open_paths``, and close answers to pages of other sites.

    At ``paths_without_account`` no API key is read, so the token can also be in ``Authorization``.
    """

    def guard() -> flask.Response | None:
        request = flask.request
        refused = refusal(request.environ, settings, may_authorize=request.path in paths_without_account)
        if refused is None:
            flask.g.page = request.environ.get("HTTP_ORIGIN")
        elif request.path not in open_paths:
            request_of(request.environ).drain()
            return answer({"error": refused.message}, refused.status)
        return _preflight() if request.method == "OPTIONS" else None

    def close_to_others(response: flask.Response) -> flask.Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.vary.add("Origin")
        page = flask.g.get("page")
        if page is not None:
            response.headers["access-control-allow-origin"] = page
        return response

    app.before_request(guard)
    app.after_request(close_to_others)


def refusal(environ: Mapping[str, Any], settings: Settings, *, may_authorize: bool = False) -> Refused | None:
    """Return the refusal of the request of a WSGI environ, ``None`` if it is allowed.

    A preflight needs no token, because it cannot have one. If it ``may_authorize``, a Bearer token counts, which is all
    that Prometheus can send.
    """
    written = environ.get("HTTP_HOST", "")
    host = parse_authority(written)
    if host is None:
        return Refused(
            403, f"Host: {_shown(written)} is not a host name or address. Call the server as localhost."
        )
    foreign = _foreign_page(environ, host)
    if foreign:
        return Refused(403, f"{foreign} {_PAGES}")
    if not settings.control_token:
        return _not_local(environ, host, settings)
    if environ["REQUEST_METHOD"] == "OPTIONS":
        return None
    if may_authorize and _is_token(environ.get("HTTP_AUTHORIZATION", ""), f"Bearer {settings.control_token}"):
        return None
    return _without_token(environ, settings.control_token)


def _foreign_page(environ: Mapping[str, Any], host: Authority) -> str:
    """Return the reason if a page sends the request that may not; otherwise an empty text."""
    if "HTTP_ORIGIN" in environ:
        if _is_allowed_origin(environ, host):
            return ""
        return f"Origin: a page of {_shown(environ['HTTP_ORIGIN'])} may not send this."
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is None:  # not a browser; Node sends only the mode, always the same
        others = {name: value for name, value in environ.items() if name.startswith("HTTP_SEC_FETCH_")}
        is_browser = others not in ({}, {"HTTP_SEC_FETCH_MODE": "cors"})
        return (
            "Sec-Fetch-Site: the header is missing although there are others of Fetch Metadata."
            if is_browser
            else ""
        )
    return "" if site in _OWN_PAGES else f"Sec-Fetch-Site: a page ({_shown(site)}) may not send this."


def _is_allowed_origin(environ: Mapping[str, Any], host: Authority) -> bool:
    """Return whether the ``Origin`` is this server's, or another on this machine that uses an allowed mode."""
    origin = parse_origin(environ["HTTP_ORIGIN"])
    if origin is None:
        return False
    site, mode = environ.get("HTTP_SEC_FETCH_SITE"), environ.get("HTTP_SEC_FETCH_MODE")
    if origin.is_of(host) and site in (None, *_OWN_PAGES):
        return True
    return is_loopback(origin.authority.host) and mode in (None, *_BY_SCRIPT)


def _not_local(environ: Mapping[str, Any], host: Authority, settings: Settings) -> Refused | None:
    """Return the refusal of callers on other machines, also behind a proxy, and of host names (DNS rebinding)."""
    caller = environ.get("REMOTE_ADDR")
    address = address_of(caller.partition("%")[0]) if caller else None  # a Unix socket has none
    proxy = _proxy_header(environ)
    if proxy or (caller and not (address and address.is_loopback)):
        why = f"{proxy}: the request passed a proxy. " if proxy else ""
        return Refused(
            403,
            f"{why}The control API answers this machine only, unless control_token is set. {_REMEDY}",
        )
    if _is_known_as(host.host, settings):
        return None
    return Refused(
        403, f"Host: {_shown(host.host)} is not a name of the control API. Call it as localhost. {_REMEDY}"
    )


def _is_known_as(host: str, settings: Settings) -> bool:
    """Return whether no other site can use that host: an address, localhost, or the setting ``host``."""
    if host == settings.host.lower().rstrip("."):
        return True
    address = address_of(host)
    return is_loopback(host) if address is None else not address.is_unspecified


def _proxy_header(environ: Mapping[str, Any]) -> str:
    """Return the name of a header that only a proxy sends; empty for none."""
    names, prefixes = _proxy_headers()
    for key in environ:
        if key.startswith("HTTP_"):
            name = key[5:].replace("_", "-").lower()
            if name in names or name.startswith(prefixes):
                return name
    return ""


@cache
def _proxy_headers() -> tuple[frozenset[str], tuple[str, ...]]:
    table = read_table(_PROXY_HEADERS)
    return frozenset(table["names"]), tuple(table["prefixes"])


def _without_token(environ: Mapping[str, Any], token: str) -> Refused | None:
    given = environ.get("HTTP_" + TOKEN_HEADER.upper().replace("-", "_"), "")
    if _is_token(given, token):
        return None
    problem = "is wrong" if given else "is missing"
    return Refused(
        401, f"{TOKEN_HEADER}: the header {problem}. Send the server's setting control_token in it."
    )


def _is_token(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode("latin-1", "replace"), token.encode())


def _preflight() -> flask.Response:
    """Return the answer to a CORS preflight."""
    asked = flask.request.headers.get(
        "Access-Control-Request-Headers", f"authorization, content-type, {TOKEN_HEADER}"
    )
    return flask.Response(
        b"",
        200,
        {
            "access-control-allow-methods": "GET, POST, PUT, PATCH, DELETE",
            "access-control-allow-headers": asked,
            "access-control-max-age": "600",
        },
    )


def _shown(text: str) -> str:
    return repr(cut(text, _MAX_SHOWN))
