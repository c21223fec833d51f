"""The command ``mockserver healthcheck``: asks the server of the settings whether it is ready.

It needs no curl, and is small and quick, because the health checks of containers run it every few seconds.
"""

from __future__ import annotations

import http.client
import json
import ssl
import time
from typing import TYPE_CHECKING, Any

import click

from mockserver.commands.failures import fail
from mockserver.settings.hosts import address_of

if TYPE_CHECKING:
    from mockserver.settings.model import Settings

_PATH = "/ready"
_TIMEOUT = 5.0  # seconds
_BETWEEN = 0.2  # seconds between two questions
_MAX_ANSWER = 1 << 16  # bytes


def run(settings: Settings, wait: float = 0.0) -> None:
    """Print that the server is ready, or becomes so within ``wait`` seconds. Otherwise exit with 1 and the reason."""
    if not settings.port:
        fail("port 0 names no server. Give the port on which it listens, with --port or MOCKSERVER_PORT.")
    host = _address(settings.host)
    scheme = "https" if settings.speaks_tls else "http"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}"
    deadline = time.monotonic() + wait
    while problem := _problem(url, host, settings):
        if time.monotonic() >= deadline:
            fail(problem)
        time.sleep(_BETWEEN)
    click.echo(f"ready: {url}")


def _problem(url: str, host: str, settings: Settings) -> str:
    """Return why the server is not ready; empty if it is."""
    try:
        status, answer = _ask(host, settings)
    except (OSError, http.client.HTTPException) as error:
        reason = str(error) or type(error).__name__
        return (
            f"no server answers at {url} ({reason}). Start it with `mockserver serve`, and give both commands the same "
            "--host, --port and --tls."
        )
    if answer.get("status") == "ready":
        return ""
    if answer.get("status") in ("loading", "failed"):
        return f"the server at {url} is not ready: {answer.get('reason')}"
    return f"what answers {url}{_PATH} with status {status} is not this server. Check --port and --tls."


def _address(host: str) -> str:
    """Return where a server that listens on ``host`` is reached from this machine."""
    address = address_of(host)
    if address is None or not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def _ask(host: str, settings: Settings) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON object of the answer, ``{}`` for another one.

    The certificate is not verified: it has the names by which clients call the server, and nothing secret is sent.
    Raises ``OSError`` and ``HTTPException``.
    """
    connection = http.client.HTTPConnection(host, settings.port, timeout=_TIMEOUT)
    if settings.speaks_tls:
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(host, settings.port, timeout=_TIMEOUT, context=trusting)
    try:
        connection.request("GET", _PATH)
        response = connection.getresponse()
        body = response.read(_MAX_ANSWER)
    finally:
        connection.close()
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    return response.status, answer if isinstance(answer, dict) else {}
