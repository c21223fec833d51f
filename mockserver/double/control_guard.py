"""Who may call the control API: this machine, or whoever knows the token; and never a page of another site."""

from __future__ import annotations

import ipaddress
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import flask

from mockserver.double import control_calls as control
from mockserver.gateway.responses import drain_request

if TYPE_CHECKING:
    from mockserver.services import Services
    from mockserver.settings import Settings

TOKEN_HEADER = "x-mock-control-token"  # noqa: S105 - the header's name

_OPEN = ("/_mock/health",)  # to everybody: containers are asked for their health
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
_READING = ("GET", "HEAD", "OPTIONS")
_REMEDY = "Start the server with --control-token and send the token in the header x-mock-control-token."


def register(app: flask.Flask, services: Services) -> None:
    """Has calls of the control API refused that may not be made."""
    token = services.settings.control_token

    def guard() -> flask.Response | None:
        path = flask.request.path
        if not control.concerns(path) or path in _OPEN:
            return None
        refusal = _foreign_page() or (_without_token(token) if token else _not_from_here(services.settings))
        if refusal is None:
            return None
        drain_request()
        status, message = refusal
        return control.answer({"error": message}, status)

    app.before_request(guard)


def exposure(settings: Settings) -> str | None:
    """What a server should warn of that listens beyond this machine and has no token."""
    if settings.control_token or is_loopback(settings.host):
        return None
    return (
        f"The server listens on {settings.host}, and its control API (/_mock) answers this machine only. "
        "With --control-token it answers whoever sends that token."
    )


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this very machine."""
    address = _address(host)
    if address is None:
        name = host.lower().rstrip(".")
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address, an IPv4 one also where it is written as IPv6; ``None`` for a name."""
    try:
        address = ipaddress.ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _foreign_page() -> tuple[int, str] | None:
    """Refuses what a browser sends for a page that this server, or another on this machine, did not send."""
    request = flask.request
    origin = request.headers.get("Origin")
    if origin is not None:
        parts = urlsplit(origin)
        known = parts.netloc == request.host or is_loopback(parts.hostname or "")
    else:
        known = request.method in _READING or request.headers.get("Sec-Fetch-Site") != "cross-site"
    if known:
        return None
    return 403, f"Origin: pages of other sites ({origin or 'cross-site'}) may not call the control API."


def _without_token(token: str) -> tuple[int, str] | None:
    given = flask.request.headers.get(TOKEN_HEADER, "")
    if secrets.compare_digest(given.encode("latin-1", "replace"), token.encode()):
        return None
    problem = "is wrong" if given else "is missing"
    return 401, f"{TOKEN_HEADER}: the header {problem}. Send the server's setting control_token in it."


def _not_from_here(settings: Settings) -> tuple[int, str] | None:
    """Refuses callers elsewhere, also behind a proxy, and names that a page may have had resolved to here."""
    request = flask.request
    caller = request.remote_addr or "localhost"  # a Unix socket has no address
    if not is_loopback(caller) or any(name in request.headers for name in _FORWARDED):
        return (
            403,
            f"The control API answers this machine only; the setting control_token opens it. {_REMEDY}",
        )
    host = urlsplit(f"//{request.host}").hostname or "localhost"
    if _address(host) is None and not is_loopback(host) and host != settings.host.lower():
        return 403, f"Host: the control API is not known as {host!r}. Call it as localhost. {_REMEDY}"
    return None
